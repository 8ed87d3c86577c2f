#pragma once
#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// Pixels that are set with this chance: near the threshold of percolation sets wind through the whole image.
inline tensor<std::uint8_t> random_mask(const shape& s, double chance, std::uint64_t seed) {
  random_stream random(seed);
  tensor<std::uint8_t> mask(s);
  for (std::uint8_t& v : mask)
    v = static_cast<double>(random.uniform()) < chance ? static_cast<std::uint8_t>(1 + (&v - mask.data()) % 3)
                                                       : std::uint8_t(0);
  return mask;
}

/// Discs with labels 1, 2, ..., some touching; -1 where nobody knows.
inline tensor<std::int32_t> random_discs(const shape& s, int count, double radius, std::uint64_t seed) {
  random_stream random(seed);
  tensor<std::int32_t> labels(s);
  for (std::int32_t d = 1; d <= count; ++d) {
    const double cy = static_cast<double>(random.uniform()) * static_cast<double>(s[0]),
                 cx = static_cast<double>(random.uniform()) * static_cast<double>(s[1]);
    for (index_t i = 0; i < s[0]; ++i)
      for (index_t j = 0; j < s[1]; ++j) {
        const double dy = static_cast<double>(i) - cy, dx = static_cast<double>(j) - cx;
        if (dy * dy + dx * dx < radius * radius) labels(i, j) = d == count ? -1 : d;
      }
  }
  return labels;
}

}  // namespace aixcell
