#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/core/shape.hpp>

namespace aixcell::detail {

// What processor and GPU share of fitting a surface of light (see kernels/cpu/illumination.hpp): a polynomial of degree 2 in u
// and v with the terms 1, u, v, u u, u v, v v, by reweighted least squares.

inline constexpr int light_terms = 6;
inline constexpr int light_rounds = 20;        ///< of reweighting, at most, by each of the two weights
inline constexpr double light_settled = 1e-4;  ///< change of a coefficient: a hundredth of a percent of the light
inline constexpr double least_light_deviation = 1e-9;  ///< below it most values lie on the surface: the rest has no say
inline constexpr index_t most_light_blocks = 64;       ///< along each side of an image

/// From pixel to u or v; 0 in the middle.
constexpr double light_coordinate(index_t i, index_t extent) {
  return static_cast<double>(2 * i + 1) / static_cast<double>(extent) - 1;
}

/// What a value weighs that lies this far from the surface, when `deviation` is that of the median: least absolute deviations,
/// or Tukey's biweight, which leaves out what lies far away.
constexpr double light_weight(double distance, double deviation, bool leave_out) {
  const double t = distance / (4.685 * deviation);
  if (leave_out) return t < 1 ? (1 - t * t) * (1 - t * t) : 0.0;
  return 1 / std::max(t, 1e-3);
}
/// From the median of distances to a deviation.
constexpr double light_deviation(double median) { return 1.4826 * median; }

/// Solves normal equations by Cholesky: a [6][6], of which the lower half is read, and b are overwritten, b by the solution.
/// `total` is the sum of weights. What the points leave open (one row of pixels says nothing about v) becomes 0 by a ridge that
/// changes nothing else visibly.
constexpr void solve_light(auto& a, auto& b, double total) {
  constexpr int n = light_terms;
  if (!(total > 0)) {
    for (int i = 0; i < n; ++i) b[i] = 0;
    return;
  }
  for (int i = 0; i < n; ++i) a[i][i] += (i == 0 ? 1e-12 : 1e-7) * total;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      for (int k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] = i == j ? std::sqrt(std::max(a[i][i], 1e-300)) : a[i][j] / a[j][j];
    }
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (int i = n; i-- > 0;) {
    for (int k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
}

}  // namespace aixcell::detail
