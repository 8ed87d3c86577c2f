#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <aixcell/core/random.hpp>

namespace aixcell {

/// An estimate and the 95 % confidence interval around it.
struct interval {
  double estimate = 0;
  double low = 0;
  double high = 0;
};

struct proportion {
  index_t successes = 0;
  index_t trials = 0;
};

namespace detail {

/// Wilson's interval of a share found in `trials`, which need not be whole (an effective number), at `z` standard errors.
inline interval wilson_bounds(double share, double trials, double z) {
  const double centre = (share + z * z / (2 * trials)) / (1 + z * z / trials);
  const double half =
      z / (1 + z * z / trials) * std::sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials));
  // At the ends the bound is the estimate itself; rounding must not move it past.
  return {share, std::clamp(centre - half, 0.0, share), std::clamp(centre + half, share, 1.0)};
}

}  // namespace detail

/// 97.5 % point of the standard normal distribution.
inline constexpr double normal_point = 1.959963984540054;

/// Wilson score interval of a proportion (Wilson 1927), 95 %: right also near 0 and 1 and for few trials. Without
/// trials nothing is known: estimate 0, interval [0,1]. Throws data_error unless 0 <= successes <= trials.
inline interval wilson_interval(proportion p) {
  if (p.successes < 0 || p.successes > p.trials)
    throw data_error("wilson_interval: expected 0 <= successes <= trials, found " + std::to_string(p.successes) +
                     " of " + std::to_string(p.trials));
  if (p.trials == 0) return {0, 0, 1};
  const double n = static_cast<double>(p.trials);
  return detail::wilson_bounds(static_cast<double>(p.successes) / n, n, normal_point);
}

struct bootstrap_options {
  int resamples = 2000;
};

/// Percentile bootstrap interval of a mean (Efron 1979), 95 %: for scores of images, which are not proportions.
/// Equal streams give equal intervals. No values give {0,0,0}, one value an interval of width 0.
inline interval bootstrap_mean_interval(const std::vector<double>& values, random_stream random,
                                        const bootstrap_options& options = {}) {
  if (options.resamples < 1)
    throw data_error("bootstrap_mean_interval: expected at least 1 resample, found " +
                     std::to_string(options.resamples));
  if (values.empty()) return {};
  const index_t n = static_cast<index_t>(values.size());
  double sum = 0;
  for (const double v : values) sum += v;

  std::vector<double> means(static_cast<std::size_t>(options.resamples));
  for (double& mean : means) {
    double resampled = 0;
    for (index_t i = 0; i < n; ++i) resampled += values[static_cast<std::size_t>(random.below(n))];
    mean = resampled / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  const auto percentile = [&](double share) {  // linear between order statistics, as NumPy's default
    const double position = share * static_cast<double>(means.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const double rest = position - static_cast<double>(below);
    return means[below] + rest * (means[std::min(below + 1, means.size() - 1)] - means[below]);
  };
  return {sum / static_cast<double>(n), percentile(0.025), percentile(0.975)};
}

}  // namespace aixcell
