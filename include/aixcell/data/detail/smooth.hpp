#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/data/tiles.hpp>

namespace aixcell::detail {

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

/// Filters `count` items of `stride` interleaved lines: out[i] = sum of half[|k|] in[i+k], mirrored at the ends.
inline void blur_lines(std::vector<float>& padded, float* line, index_t count, index_t stride,
                       const std::vector<float>& half) {
  const auto radius = static_cast<index_t>(half.size()) - 1;
  padded.resize(static_cast<std::size_t>((count + 2 * radius) * stride));
  for (index_t i = -radius; i < count + radius; ++i)
    std::copy_n(line + reflected(i, count) * stride, stride, padded.data() + (i + radius) * stride);
  const index_t items = count * stride;
  const float* centre = padded.data() + radius * stride;
  for (index_t i = 0; i < items; ++i) line[i] = half[0] * centre[i];
  for (index_t k = 1; k <= radius; ++k) {
    const float weight = half[static_cast<std::size_t>(k)];
    const float *before = centre - k * stride, *after = centre + k * stride;
    for (index_t i = 0; i < items; ++i) line[i] += weight * (before[i] + after[i]);
  }
}

struct blur_deviations {
  float y, x;  ///< pixels; a direction with 0 is left alone
};

/// Gaussian blur of [H,W] or [H,W,C] in place, mirrored at the border.
inline void gaussian_blur(tensor<float>& pixels, blur_deviations deviation) {
  const index_t height = pixels.extent(0), width = pixels.extent(1);
  const index_t channels = pixels.shape().rank() == 3 ? pixels.extent(2) : 1;
  std::vector<float> padded;
  if (deviation.x > 0) {
    const auto half = half_gaussian(deviation.x);
    for (index_t y = 0; y < height; ++y)
      blur_lines(padded, pixels.data() + y * width * channels, width, channels, half);
  }
  if (deviation.y > 0) blur_lines(padded, pixels.data(), height, width * channels, half_gaussian(deviation.y));
}

/// [H,W] smooth random field, mean about 0, deviation about 0.6: normal values on a grid `spacing` pixels apart,
/// interpolated with zero slope at the grid points (value noise, Perlin's fade).
inline tensor<float> smooth_noise(const shape& size, float spacing, random_stream& random) {
  const auto rows = static_cast<index_t>(static_cast<float>(size[0]) / spacing) + 2;
  const auto columns = static_cast<index_t>(static_cast<float>(size[1]) / spacing) + 2;
  std::vector<float> grid(static_cast<std::size_t>(rows * columns));
  for (float& g : grid) g = random.normal();
  const auto fade = [](float t) { return t * t * (3 - 2 * t); };
  tensor<float> field({size[0], size[1]});
  for (index_t y = 0; y < size[0]; ++y) {
    const float gy = static_cast<float>(y) / spacing;
    const auto row = static_cast<index_t>(gy);
    const float ty = fade(gy - static_cast<float>(row));
    for (index_t x = 0; x < size[1]; ++x) {
      const float gx = static_cast<float>(x) / spacing;
      const auto column = static_cast<index_t>(gx);
      const float tx = fade(gx - static_cast<float>(column));
      const float* above = grid.data() + row * columns + column;
      const float* below = above + columns;
      field(y, x) = (1 - ty) * ((1 - tx) * above[0] + tx * above[1]) + ty * ((1 - tx) * below[0] + tx * below[1]);
    }
  }
  return field;
}

}  // namespace aixcell::detail
