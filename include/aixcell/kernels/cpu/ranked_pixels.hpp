#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/view.hpp>
#include <aixcell/kernels/detail/ordered_bits.hpp>

namespace aixcell {

struct ranked_pixel {
  float value;
  std::uint32_t pixel;
};

namespace detail {

/// Orders by falling values, equal ones as they come: counts by 11 bits, three times, which takes a few milliseconds where
/// comparing a million values takes a hundred.
inline void rank_by_value(std::vector<ranked_pixel>& pixels) {
  constexpr std::size_t digits = 3, values = 1 << 11;
  const auto digit = [](const ranked_pixel& p, std::size_t d) {
    return std::size_t{~ordered_bits(p.value) >> (11 * d)} % values;
  };
  std::vector<std::size_t> next(digits * values, 0);
  for (const ranked_pixel& p : pixels)
    for (std::size_t d = 0; d < digits; ++d) ++next[d * values + digit(p, d)];
  std::vector<ranked_pixel> other(pixels.size());
  for (std::size_t d = 0; d < digits; ++d) {
    std::size_t before = 0;
    for (std::size_t v = d * values; v < (d + 1) * values; ++v) {
      const std::size_t here = next[v];
      next[v] = before;
      before += here;
    }
    for (const ranked_pixel& p : pixels) other[next[d * values + digit(p, d)]++] = p;
    pixels.swap(other);
  }
}

}  // namespace detail

/// The pixels of a map [H,W,K] with a value above `least` in one channel: the greatest first, equal ones in the order of
/// pixels; NaN is never above. Fewer than 2^32 pixels. O(H W) time. Same result for any number of threads.
inline std::vector<ranked_pixel> ranked_pixels(const context<cpu>& ctx, view<const float, cpu> map, index_t channel,
                                               float least) {
  require_rank("ranked_pixels", 3, "a map [H,W,K]", map.shape());
  const index_t width = map.extent(1), step = map.extent(2);
  constexpr index_t rows = 32;
  std::vector<std::vector<ranked_pixel>> parts(static_cast<std::size_t>((map.extent(0) + rows - 1) / rows));
  parallel_ranges(ctx, map.extent(0), rows, [&](index_t begin, index_t end) {
    std::vector<ranked_pixel>& part = parts[static_cast<std::size_t>(begin / rows)];
    for (index_t p = begin * width; p < end * width; ++p)
      if (const float value = map[p * step + channel]; value > least)
        part.push_back({value, static_cast<std::uint32_t>(p)});
  });
  std::size_t count = 0;
  for (const auto& part : parts) count += part.size();
  std::vector<ranked_pixel> all;
  all.reserve(count);
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  detail::rank_by_value(all);
  return all;
}

}  // namespace aixcell
