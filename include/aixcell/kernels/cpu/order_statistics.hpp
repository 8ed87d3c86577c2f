#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <aixcell/core/shape.hpp>
#include <aixcell/kernels/detail/ordered_bits.hpp>

namespace aixcell {

/// The values at the given ranks, 0 the least and in [0, count), of `count` finite values, one every `step`: exact, in two
/// passes over them. The first counts by sign, exponent and seven bits of the mantissa; the second looks only at values that
/// share these with a wanted one.
inline std::vector<float> order_statistics(const float* values, index_t count, index_t step,
                                           std::span<const index_t> ranks) {
  constexpr std::size_t bins = 1 << 16;
  // Two histograms in turn: a flat image would wait for one and the same counter.
  std::vector<std::uint32_t> histogram(2 * bins, 0);
  for (index_t i = 0; i < count; ++i)
    ++histogram[static_cast<std::size_t>(i % 2) * bins + (detail::ordered_bits(values[i * step]) >> 16)];

  struct wanted_bin {
    std::uint32_t bin;
    index_t before;  // values in lesser bins
    std::vector<float> members;
  };
  std::vector<wanted_bin> wanted;
  std::vector<std::size_t> bin_of_rank(ranks.size());
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    index_t before = 0;
    std::uint32_t bin = 0;
    const auto in_bin = [&] { return index_t{histogram[bin]} + index_t{histogram[bins + bin]}; };
    while (before + in_bin() <= ranks[r]) before += in_bin(), ++bin;
    const auto known = std::find_if(wanted.begin(), wanted.end(), [&](const wanted_bin& w) { return w.bin == bin; });
    bin_of_rank[r] = static_cast<std::size_t>(known - wanted.begin());
    if (known == wanted.end()) wanted.push_back({bin, before, {}});
  }
  std::vector<std::uint8_t> is_wanted(bins, 0);
  for (const wanted_bin& w : wanted) is_wanted[w.bin] = 1;
  for (index_t i = 0; i < count; ++i) {
    const std::uint32_t bin = detail::ordered_bits(values[i * step]) >> 16;
    if (!is_wanted[bin]) continue;
    for (wanted_bin& w : wanted)
      if (w.bin == bin) w.members.push_back(values[i * step]);
  }
  std::vector<float> found;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    wanted_bin& w = wanted[bin_of_rank[r]];
    const auto at = w.members.begin() + (ranks[r] - w.before);
    std::nth_element(w.members.begin(), at, w.members.end());
    found.push_back(*at);
  }
  return found;
}

}  // namespace aixcell
