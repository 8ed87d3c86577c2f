#pragma once
#include <cmath>
#include <numbers>

#include <aixcell/metrics/interval.hpp>

namespace aixcell {

/// 97.5 % point of Student's t distribution with whole degrees of freedom >= 1: the distribution function in closed form
/// (Abramowitz and Stegun 1972, 26.7.3 and 26.7.4), inverted by bisection.
inline double student_point(int degrees) {
  const auto within = [degrees](double t) {  // probability of [-t, t]
    const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
    const double sine = std::sin(angle), cosine = std::cos(angle);
    const bool odd = degrees % 2 == 1;
    double term = odd ? cosine : 1, sum = degrees == 1 ? 0 : term;
    for (int k = odd ? 3 : 2; k <= degrees - 2; k += 2) sum += term *= cosine * cosine * (k - 1) / k;
    return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
  };
  double low = 0, high = 16;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (within(middle) < 0.95 ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// A share of items that come in clusters: cells in images.
struct clustered_proportion {
  interval share;            ///< pooled over all items, and its 95 % interval
  double design_effect = 1;  ///< how many times larger the variance is than of independent items, >= 1
  index_t clusters = 0;      ///< with at least one item
};

/// The pooled share of items in clusters (each: successes among its items) with an interval that knows that items of one
/// cluster are alike: variance of the ratio estimator between clusters (Cochran 1977, eq. 6.13), never below
/// that of independent items, and Wilson's interval at the effective number of items (Korn and Graubard 1998 do so with
/// Clopper and Pearson's) with Student's t of clusters - 1 degrees. One cluster alone says nothing about how
/// clusters differ: its interval is Wilson's of independent items and too narrow. No items: estimate 0, interval [0,1].
inline clustered_proportion share_of_clusters(const std::vector<proportion>& clusters) {
  clustered_proportion result;
  proportion all;
  for (const proportion& c : clusters) {
    if (c.successes < 0 || c.successes > c.trials)
      throw data_error("share_of_clusters: expected 0 <= successes <= trials, found " + std::to_string(c.successes) +
                       " of " + std::to_string(c.trials));
    all.successes += c.successes;
    all.trials += c.trials;
    result.clusters += c.trials > 0;
  }
  result.share = wilson_interval(all);
  if (all.trials == 0) return result;
  const double n = static_cast<double>(all.trials), share = result.share.estimate;
  const double independent = share * (1 - share) / n;
  if (result.clusters < 2) return result;
  const double k = static_cast<double>(result.clusters);
  double squares = 0;
  for (const proportion& c : clusters) {
    const double residual = static_cast<double>(c.successes) - share * static_cast<double>(c.trials);
    squares += residual * residual;
  }
  const double between = k / (k - 1) * squares / (n * n);
  if (independent > 0) result.design_effect = std::max(1.0, between / independent);
  result.share =
      detail::wilson_bounds(share, n / result.design_effect, student_point(static_cast<int>(result.clusters) - 1));
  return result;
}

/// Difference of two independent shares with the interval that follows from theirs (Newcombe 1998, method 10: the squared
/// distances of estimates to bounds add up).
inline interval difference_of_shares(const interval& a, const interval& b) {
  const double d = a.estimate - b.estimate;
  return {d, d - std::hypot(a.estimate - a.low, b.high - b.estimate),
          d + std::hypot(a.high - a.estimate, b.estimate - b.low)};
}

struct permutation_options {
  index_t draws = 9999;  ///< where there are more ways to divide the clusters than this
  std::uint64_t seed = 0;
};

/// Probability of a difference of pooled shares as large as found, if it did not matter which clusters are in which group:
/// clusters change groups whole. All divisions if there are at most `draws`, else random ones and the found one
/// (Phipson and Smyth 2010). 1 where a group has no items.
inline double permutation_p_value(const std::vector<proportion>& a, const std::vector<proportion>& b,
                                  const permutation_options& options = {}) {
  std::vector<proportion> all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::erase_if(all, [](const proportion& c) { return c.trials == 0; });
  const auto in_a = std::count_if(a.begin(), a.end(), [](const proportion& c) { return c.trials > 0; });
  const index_t n = static_cast<index_t>(all.size()), k = in_a;
  if (k == 0 || k == n) return 1;
  double total_successes = 0, total_trials = 0;
  for (const proportion& c : all)
    total_successes += static_cast<double>(c.successes), total_trials += static_cast<double>(c.trials);
  const auto difference = [&](const std::vector<index_t>& chosen) {
    double successes = 0, trials = 0;
    for (const index_t i : chosen) {
      successes += static_cast<double>(all[static_cast<std::size_t>(i)].successes);
      trials += static_cast<double>(all[static_cast<std::size_t>(i)].trials);
    }
    return std::abs(successes / trials - (total_successes - successes) / (total_trials - trials));
  };
  std::vector<index_t> chosen(static_cast<std::size_t>(k));
  for (index_t i = 0; i < k; ++i) chosen[static_cast<std::size_t>(i)] = i;
  const double found = difference(chosen) - 1e-12;  // equal divisions differ in the last digits

  double ways = 1;
  for (index_t i = 1; i <= k && ways <= static_cast<double>(options.draws); ++i)
    ways = ways * static_cast<double>(n - k + i) / static_cast<double>(i);
  index_t as_large = 0, divisions = 0;
  if (ways <= static_cast<double>(options.draws) + 0.5) {
    while (true) {  // all combinations in lexicographic order
      ++divisions;
      as_large += difference(chosen) >= found;
      index_t i = k - 1;
      while (i >= 0 && chosen[static_cast<std::size_t>(i)] == n - k + i) --i;
      if (i < 0) break;
      ++chosen[static_cast<std::size_t>(i)];
      for (index_t j = i + 1; j < k; ++j)
        chosen[static_cast<std::size_t>(j)] = chosen[static_cast<std::size_t>(j - 1)] + 1;
    }
    return static_cast<double>(as_large) / static_cast<double>(divisions);
  }
  random_stream random(options.seed, 0x7065726d757465);  // "permute"
  std::vector<index_t> order(static_cast<std::size_t>(n));
  for (index_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  for (index_t draw = 0; draw < options.draws; ++draw) {
    random.shuffle(order);
    std::copy_n(order.begin(), k, chosen.begin());
    as_large += difference(chosen) >= found;
  }
  return static_cast<double>(as_large + 1) / static_cast<double>(options.draws + 1);
}

/// How often a test is right about those that have it and about those that have not.
struct test_quality {
  proportion sensitivity, specificity;
};

/// The true share behind one found by a test that errs (Rogan and Gladen 1978), with its interval: errors of the share and of
/// the test's quality are propagated (Lang and Reiczigel 2014, without their small shift of the centre), for which one
/// right and one wrong answer are added to the test's record: of few cases none is certain. Clipped to [0,1].
/// The estimate 0 and the interval [0,1] where the test is hardly better than a coin: then nothing follows.
inline interval corrected_share(const interval& found, const test_quality& quality) {
  const auto solved = [&](double sensitivity, double specificity) {
    return std::clamp((found.estimate + specificity - 1) / (sensitivity + specificity - 1), 0.0, 1.0);
  };
  const auto plain = [](const proportion& p) {
    return p.trials > 0 ? static_cast<double>(p.successes) / static_cast<double>(p.trials) : 0.5;
  };
  const auto careful = [](const proportion& p) {
    return (static_cast<double>(p.successes) + 1) / (static_cast<double>(p.trials) + 2);
  };
  const auto variance = [&](const proportion& p) {
    return careful(p) * (1 - careful(p)) / (static_cast<double>(p.trials) + 2);
  };
  const double sensitivity = careful(quality.sensitivity), specificity = careful(quality.specificity);
  const double informed = sensitivity + specificity - 1;
  if (!(informed > 0.1)) return {0, 0, 1};
  const double estimate = solved(plain(quality.sensitivity), plain(quality.specificity));
  const double centre = solved(sensitivity, specificity);
  const double of_share = (found.high - found.low) / (2 * normal_point);  // not 0 where none or all were found
  const double half = normal_point / informed *
                      std::sqrt(of_share * of_share + centre * centre * variance(quality.sensitivity) +
                                (1 - centre) * (1 - centre) * variance(quality.specificity));
  return {estimate, std::clamp(centre - half, 0.0, estimate), std::clamp(centre + half, estimate, 1.0)};
}

}  // namespace aixcell
