#pragma once
#include <algorithm>
#include <cstdint>

namespace aixcell {

/// Decay of an exponential moving average after `steps` updates: short-sighted at first, so that the average does not
/// remember the initial weights (as TensorFlow's ExponentialMovingAverage with num_updates does).
constexpr double moving_average_decay(double decay, std::int64_t steps) {
  return std::min(decay, (1.0 + static_cast<double>(steps)) / (10.0 + static_cast<double>(steps)));
}

}  // namespace aixcell
