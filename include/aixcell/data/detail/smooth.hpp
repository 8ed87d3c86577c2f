#pragma once
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/kernels/cpu/gaussian_blur.hpp>

namespace aixcell::detail {

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
