#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/cpu/reflected.hpp>

namespace aixcell {

struct blur_deviations {
  float y, x;  ///< pixels; a direction with 0 is left alone
};

namespace detail {

/// Half a Gaussian, normalised so that centre + 2 x rest = 1; cut at three deviations.
inline std::vector<float> half_gaussian(float deviation) {
  const auto radius = static_cast<std::size_t>(std::ceil(3 * deviation));
  std::vector<float> half(radius + 1);
  float sum = 0;
  for (std::size_t i = 0; i <= radius; ++i) {
    const float t = static_cast<float>(i) / deviation;
    half[i] = std::exp(-0.5f * t * t);
    sum += (i == 0 ? 1.0f : 2.0f) * half[i];
  }
  for (float& h : half) h /= sum;
  return half;
}

/// out[i] = half[0] centre[i] + sum over k of half[k] (before(k)[i] + after(k)[i]).
template <class Before, class After>
void blur_line(float* out, const float* centre, index_t items, const std::vector<float>& half, Before before,
               After after) {
  for (index_t i = 0; i < items; ++i) out[i] = half[0] * centre[i];
  for (index_t k = 1; k < std::ssize(half); ++k) {
    const float weight = half[static_cast<std::size_t>(k)];
    const float *a = before(k), *b = after(k);
    for (index_t i = 0; i < items; ++i) out[i] += weight * (a[i] + b[i]);
  }
}

}  // namespace detail

/// Gaussian blur of [H,W] or [H,W,C] in place, mirrored at the border, cut at three deviations. Throws shape_error for
/// another rank. O(H W C deviation) time, one copy of the image. Same bits for any number of threads.
inline void gaussian_blur(const context<cpu>& ctx, view<float, cpu> pixels, blur_deviations deviation) {
  const shape& s = pixels.shape();
  if (s.rank() != 2 && s.rank() != 3)
    throw shape_error("gaussian_blur: expected an image [H,W] or [H,W,C], found " + to_string(s));
  if (pixels.empty()) return;
  const index_t height = s[0], width = s[1], channels = s.rank() == 3 ? s[2] : 1, row = width * channels;
  if (deviation.x > 0) {
    const auto half = detail::half_gaussian(deviation.x);
    const index_t radius = std::ssize(half) - 1;
    parallel_ranges(ctx, height, 16, [&](index_t begin, index_t end) {
      std::vector<float> padded(static_cast<std::size_t>(row + 2 * radius * channels));
      const float* centre = padded.data() + radius * channels;
      for (index_t y = begin; y < end; ++y) {
        float* line = pixels.data() + y * row;
        for (index_t x = -radius; x < width + radius; ++x)
          std::copy_n(line + detail::reflected(x, width) * channels, channels, padded.data() + (x + radius) * channels);
        detail::blur_line(
            line, centre, row, half, [&](index_t k) { return centre - k * channels; },
            [&](index_t k) { return centre + k * channels; });
      }
    });
  }
  if (deviation.y > 0) {
    const auto half = detail::half_gaussian(deviation.y);
    const std::vector<float> before(pixels.begin(), pixels.end());
    parallel_for(ctx, height, [&](index_t y) {
      const auto line = [&](index_t i) { return before.data() + detail::reflected(i, height) * row; };
      detail::blur_line(
          pixels.data() + y * row, line(y), row, half, [&](index_t k) { return line(y - k); },
          [&](index_t k) { return line(y + k); });
    });
  }
}

}  // namespace aixcell
