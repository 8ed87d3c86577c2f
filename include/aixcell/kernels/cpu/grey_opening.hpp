#pragma once
#include <algorithm>
#include <limits>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

namespace detail {

/// out[i] = least (or greatest) of in[i-radius..i+radius] inside the line, three comparisons an element whatever the
/// radius (van Herk 1992, Gil & Werman 1993).
template <class Better>
void running_extreme(const float* in, float* out, index_t n, index_t step, index_t radius, Better better,
                     std::vector<float>& scratch) {
  const index_t window = 2 * radius + 1, padded = (n + 2 * radius + window - 1) / window * window;
  const float worst =
      better(0.0f, 1.0f) ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity();
  scratch.assign(static_cast<std::size_t>(3 * padded), worst);
  float* line = scratch.data();
  float* ahead = line + padded;
  float* behind = ahead + padded;
  for (index_t i = 0; i < n; ++i) line[i + radius] = in[i * step];
  const auto pick = [&](float a, float b) { return better(a, b) ? a : b; };
  for (index_t i = 0; i < padded; ++i) ahead[i] = i % window == 0 ? line[i] : pick(ahead[i - 1], line[i]);
  for (index_t i = padded - 1; i >= 0; --i)
    behind[i] = i % window == window - 1 ? line[i] : pick(behind[i + 1], line[i]);
  for (index_t i = 0; i < n; ++i) out[i * step] = pick(behind[i], ahead[i + window - 1]);
}

template <class Better>
void square_extreme(context<cpu>& ctx, view<float, cpu> image, index_t radius, Better better) {
  const index_t height = image.extent(0), width = image.extent(1), channels = image.extent(2);
  parallel_for(ctx, height, [&](index_t i) {
    std::vector<float> scratch;
    for (index_t c = 0; c < channels; ++c) {
      float* row = image.data() + i * width * channels + c;
      running_extreme(row, row, width, channels, radius, better, scratch);
    }
  });
  parallel_ranges(ctx, width * channels, 16, [&](index_t begin, index_t end) {
    std::vector<float> scratch;
    for (index_t x = begin; x < end; ++x)
      running_extreme(image.data() + x, image.data() + x, height, width * channels, radius, better, scratch);
  });
}

}  // namespace detail

/// Grey opening of each channel of an image [H,W,C] by a square of edge 2 * radius + 1: an erosion, then a dilation. Takes
/// away what is brighter than its surroundings and smaller than the square. O(H W C), whatever the radius.
inline tensor<float> grey_opening(context<cpu>& ctx, view<const float, cpu> image, index_t radius) {
  require_rank("grey_opening", 3, "an image [H,W,C]", image.shape());
  tensor<float> out(image.shape());
  std::copy(image.begin(), image.end(), out.begin());
  if (radius < 1 || out.empty()) return out;
  detail::square_extreme(ctx, out, radius, [](float a, float b) { return a < b; });
  detail::square_extreme(ctx, out, radius, [](float a, float b) { return a > b; });
  return out;
}

}  // namespace aixcell
