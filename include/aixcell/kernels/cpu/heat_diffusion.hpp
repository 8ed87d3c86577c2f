#pragma once
#include <algorithm>
#include <array>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell {

struct heat_source {
  index_t row = 0, column = 0;
  double strength = 1;  ///< added before every step
};

/// Lets heat spread inside a region for a number of steps: before each, the source gains its strength; then every pixel
/// takes the mean of itself and its eight neighbours, where outside of the region it is always 0 (Stringer et al. 2021,
/// methods, "auxiliary vector flow representation"). In float64: heat falls off by orders of magnitude along thin
/// regions.
///   inside [H,W]   heat [H,W] where to begin, 0 outside; replaced
/// Throws shape_error if the maps differ or the source lies beyond them. O(H W steps).
inline void diffuse_heat(view<const std::uint8_t, cpu> inside, const heat_source& source, index_t steps,
                         view<double, cpu> heat) {
  require_rank("diffuse_heat", 2, "a region [H,W]", inside.shape());
  require_equal_shapes("diffuse_heat", inside, heat);
  const index_t height = inside.extent(0), width = inside.extent(1), pitch = width + 2;
  if (source.row < 0 || source.row >= height || source.column < 0 || source.column >= width)
    throw shape_error("diffuse_heat: the source (" + std::to_string(source.row) + ", " + std::to_string(source.column) +
                      ") lies beyond " + to_string(inside.shape()));
  // With a rim of zeros, so that no neighbour needs a test. `share` is 1/9 inside, 0 outside.
  std::vector<double> now(static_cast<std::size_t>((height + 2) * pitch), 0.0), share(now.size(), 0.0);
  const auto at = [&](index_t i, index_t j) { return static_cast<std::size_t>((i + 1) * pitch + j + 1); };
  for (index_t i = 0; i < height; ++i)
    for (index_t j = 0; j < width; ++j) {
      now[at(i, j)] = heat(i, j);
      share[at(i, j)] = inside(i, j) ? 1.0 / 9 : 0.0;
    }
  // Sums of three along the rows above, at and below the present one, computed from heat before this step.
  std::array<std::vector<double>, 3> sums;
  for (auto& s : sums) s.assign(static_cast<std::size_t>(width), 0.0);
  const auto sum_row = [&](index_t i) {
    const double* row = now.data() + at(i, 0);
    double* to = sums[static_cast<std::size_t>((i + 3) % 3)].data();
    for (index_t j = 0; j < width; ++j) to[j] = row[j - 1] + row[j] + row[j + 1];
  };
  for (index_t step = 0; step < steps; ++step) {
    now[at(source.row, source.column)] += source.strength;
    sum_row(-1);
    sum_row(0);
    for (index_t i = 0; i < height; ++i) {
      sum_row(i + 1);
      double* row = now.data() + at(i, 0);
      const double *part = share.data() + at(i, 0), *a = sums[0].data(), *b = sums[1].data(), *c = sums[2].data();
      for (index_t j = 0; j < width; ++j) row[j] = part[j] * (a[j] + b[j] + c[j]);
    }
  }
  for (index_t i = 0; i < height; ++i) std::copy_n(now.data() + at(i, 0), width, heat.data() + i * width);
}

}  // namespace aixcell
