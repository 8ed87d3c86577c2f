#pragma once
#include <cmath>
#include <cstddef>
#include <vector>

namespace aixcell::detail {

/// A Gaussian cut at three deviations, of sum 1: as many weights on either side of the middle. One weight for 0.
inline std::vector<float> gaussian_weights(float deviation) {
  if (!(deviation > 0)) return {1.0f};
  const auto radius = static_cast<std::ptrdiff_t>(std::ceil(3 * deviation));
  std::vector<float> weights;
  float sum = 0;
  for (std::ptrdiff_t i = -radius; i <= radius; ++i) {
    const float t = static_cast<float>(i) / deviation;
    weights.push_back(std::exp(-0.5f * t * t));
    sum += weights.back();
  }
  for (float& w : weights) w /= sum;
  return weights;
}

}  // namespace aixcell::detail
