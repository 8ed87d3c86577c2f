#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <aixcell/core/shape.hpp>
#include <aixcell/kernels/cpu/detail/pixel_loops.hpp>

namespace aixcell {

namespace detail {

/// Calls f(run, length) for values one every `step`, a few thousand at a time and next to each other.
template <class Function>
void for_each_run(const float* values, index_t count, index_t step, Function&& f) {
  constexpr index_t longest = 4096;
  std::array<float, longest> apart;
  for (index_t begin = 0; begin < count; begin += longest) {
    const index_t length = std::min(longest, count - begin);
    const float* from = values + begin * step;
    if (step == 1) {
      f(from, length);
      continue;
    }
    for (index_t i = 0; i < length; ++i) apart[static_cast<std::size_t>(i)] = from[i * step];
    f(apart.data(), length);
  }
}

/// How often each number of 16 bits came.
class counted_numbers {
 public:
  static constexpr std::size_t bins = 1 << 16;

  void add(const std::uint16_t* numbers, index_t count) {
    // Two counters in turn: a flat image would wait for one and the same.
    index_t i = 0;
    for (; i + 2 <= count; i += 2) ++counters_[numbers[i]], ++counters_[bins + numbers[i + 1]];
    if (i < count) ++counters_[numbers[i]];
  }

  struct place {
    std::uint32_t number;
    index_t before;  ///< how many lesser ones came
  };
  /// Where the value of a rank lies.
  place at_rank(index_t rank) const {
    index_t before = 0;
    for (std::uint32_t number = 0;; ++number) {
      const index_t here = index_t{counters_[number]} + index_t{counters_[bins + number]};
      if (before + here > rank) return {number, before};
      before += here;
    }
  }

 private:
  std::vector<std::uint32_t> counters_ = std::vector<std::uint32_t>(2 * bins, 0);
};

/// Of whole numbers of 16 bits, as cameras give them: one pass. Nothing if a value is none.
inline std::optional<std::vector<float>> order_statistics_of_short_numbers(const float* values, index_t count,
                                                                           index_t step,
                                                                           std::span<const index_t> ranks) {
  const pixel_loops& loops = best_pixel_loops();
  counted_numbers counted;
  std::array<std::uint16_t, 4096> numbers;
  bool all = true;
  for_each_run(values, count, step, [&](const float* run, index_t length) {
    all = all && loops.as_short_numbers(run, length, numbers.data());
    if (all) counted.add(numbers.data(), length);
  });
  if (!all) return std::nullopt;
  std::vector<float> found;
  for (const index_t rank : ranks) found.push_back(static_cast<float>(counted.at_rank(rank).number));
  return found;
}

}  // namespace detail

/// The values at the given ranks, 0 the least and in [0, count), of `count` finite values, one every `step`: exact. Whole
/// numbers of 16 bits are counted. Others take two passes: the first counts by sign, exponent and seven bits of the
/// mantissa, the second looks only at values that share these with a wanted one.
inline std::vector<float> order_statistics(const float* values, index_t count, index_t step,
                                           std::span<const index_t> ranks) {
  if (const auto found = detail::order_statistics_of_short_numbers(values, count, step, ranks)) return *found;
  const detail::pixel_loops& loops = detail::best_pixel_loops();
  std::array<std::uint16_t, 4096> beginnings;
  detail::counted_numbers counted;
  detail::for_each_run(values, count, step, [&](const float* run, index_t length) {
    loops.ordered_beginnings(run, length, beginnings.data());
    counted.add(beginnings.data(), length);
  });

  struct wanted_bin {
    std::uint32_t bin;
    index_t before;  // values in lesser bins
    std::vector<float> members;
  };
  std::vector<wanted_bin> wanted;
  std::vector<std::size_t> bin_of_rank(ranks.size());
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    const auto [bin, before] = counted.at_rank(ranks[r]);
    const auto known =
        std::find_if(wanted.begin(), wanted.end(), [b = bin](const wanted_bin& w) { return w.bin == b; });
    bin_of_rank[r] = static_cast<std::size_t>(known - wanted.begin());
    if (known == wanted.end()) wanted.push_back({bin, before, {}});
  }
  std::vector<std::uint8_t> is_wanted(detail::counted_numbers::bins, 0);
  for (const wanted_bin& w : wanted) is_wanted[w.bin] = 1;
  detail::for_each_run(values, count, step, [&](const float* run, index_t length) {
    loops.ordered_beginnings(run, length, beginnings.data());
    for (index_t i = 0; i < length; ++i) {
      const std::uint32_t bin = beginnings[static_cast<std::size_t>(i)];
      if (!is_wanted[bin]) continue;
      for (wanted_bin& w : wanted)
        if (w.bin == bin) w.members.push_back(run[i]);
    }
  });
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
