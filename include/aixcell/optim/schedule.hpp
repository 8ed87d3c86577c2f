#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>

namespace aixcell {

/// Linear warm-up, then half a cosine down (Loshchilov & Hutter 2017, without restarts): a pure function of how far the
/// run is.
struct cosine_schedule {
  double warm_up = 0.03;  ///< share of the run, in [0,1)
  double floor = 0.01;    ///< factor at the end, in [0,1]

  /// Of the learning rate, in [0,1], for progress in [0,1].
  double factor(double progress) const {
    const double p = std::clamp(progress, 0.0, 1.0);
    if (p < warm_up) return std::max(floor, p / warm_up);
    const double down = (p - warm_up) / (1 - warm_up);
    return floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * down));
  }
};

}  // namespace aixcell
