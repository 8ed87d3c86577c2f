#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/metrics/confusion.hpp>
#include <aixcell/metrics/interval.hpp>

namespace aixcell {

/// Balanced accuracy with its 95 % interval: the recalls of the classes that occur are independent proportions, whose Wilson
/// limits are combined by the recovery of variances (Zou & Donner 2008, eq. 3). Right also for classes with a handful of
/// items, where resampling would find no variance at all. Without items nothing is known: {0, 0, 1}.
inline interval balanced_accuracy_interval(const confusion_matrix& counts) {
  double sum = 0, below = 0, above = 0;
  int present = 0;
  for (int c = 0; c < counts.classes(); ++c) {
    const index_t trials = counts.scores(c).truth;
    if (trials == 0) continue;
    const interval recall = wilson_interval({counts.count({c, c}), trials});
    sum += recall.estimate;
    below += (recall.estimate - recall.low) * (recall.estimate - recall.low);
    above += (recall.high - recall.estimate) * (recall.high - recall.estimate);
    ++present;
  }
  if (present == 0) return {0, 0, 1};
  const double n = present, mean = sum / n;
  return {mean, std::max(0.0, mean - std::sqrt(below) / n), std::min(1.0, mean + std::sqrt(above) / n)};
}

}  // namespace aixcell
