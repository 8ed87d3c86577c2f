#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/shape.hpp>

namespace aixcell::detail {

/// Which source pixels make a target pixel along one axis, with weights that sum to 1.
struct resample_axis {
  std::vector<index_t> first;
  std::vector<std::vector<float>> weights;
};

/// Linear interpolation between pixel centres; when shrinking, the triangle is as wide as a target pixel, so that no
/// source pixel is skipped (no aliasing).
inline resample_axis linear_axis(index_t from, index_t to) {
  resample_axis axis;
  const double step = static_cast<double>(from) / static_cast<double>(to), reach = std::max(1.0, step);
  for (index_t t = 0; t < to; ++t) {
    const double centre = (static_cast<double>(t) + 0.5) * step - 0.5;
    const index_t low = std::max<index_t>(0, static_cast<index_t>(std::ceil(centre - reach)));
    const index_t high = std::min<index_t>(from - 1, static_cast<index_t>(std::floor(centre + reach)));
    std::vector<float> weights;
    double sum = 0;
    for (index_t s = low; s <= high; ++s) sum += std::max(0.0, 1 - std::abs(static_cast<double>(s) - centre) / reach);
    for (index_t s = low; s <= high; ++s)
      weights.push_back(static_cast<float>(std::max(0.0, 1 - std::abs(static_cast<double>(s) - centre) / reach) / sum));
    axis.first.push_back(low);
    axis.weights.push_back(std::move(weights));
  }
  return axis;
}

}  // namespace aixcell::detail
