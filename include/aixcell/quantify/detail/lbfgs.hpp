#pragma once
#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

namespace aixcell::detail {

struct lbfgs_options {
  int steps = 400;
  int memory = 10;          ///< pairs of steps that stand for the curvature
  double tolerance = 1e-7;  ///< ends when no component of the gradient is larger
};

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Minimises a smooth convex function from `x`, in place (Nocedal and Wright 2006, algorithm 7.5, with halving of steps until
/// the Armijo condition holds). `value(x, gradient)` returns the value and fills the gradient. Nothing is random and no
/// thread is used: same bits every time.
template <class Function>
void minimise(std::vector<double>& x, Function&& value, const lbfgs_options& options = {}) {
  struct pair {
    std::vector<double> step, change;
    double inverse;  // 1 / step . change
  };
  std::deque<pair> pairs;
  std::vector<double> gradient(x.size()), next(x.size()), next_gradient(x.size()), direction;
  double f = value(x, gradient);
  for (int iteration = 0; iteration < options.steps; ++iteration) {
    double largest = 0;
    for (const double g : gradient) largest = std::max(largest, std::abs(g));
    if (!(largest > options.tolerance)) return;

    direction = gradient;
    std::vector<double> alpha(pairs.size());
    for (std::size_t k = pairs.size(); k-- > 0;) {
      alpha[k] = pairs[k].inverse * dot(pairs[k].step, direction);
      for (std::size_t i = 0; i < x.size(); ++i) direction[i] -= alpha[k] * pairs[k].change[i];
    }
    if (!pairs.empty()) {
      const double scale = 1 / (pairs.back().inverse * dot(pairs.back().change, pairs.back().change));
      for (double& d : direction) d *= scale;
    }
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      const double beta = pairs[k].inverse * dot(pairs[k].change, direction);
      for (std::size_t i = 0; i < x.size(); ++i) direction[i] += (alpha[k] - beta) * pairs[k].step[i];
    }

    const double slope = dot(gradient, direction);
    double length = pairs.empty() ? 1 / (1 + std::sqrt(dot(gradient, gradient))) : 1, f_next = f;
    bool lower = false;
    for (int halving = 0; halving < 40 && !lower; ++halving, length *= lower ? 1 : 0.5) {
      for (std::size_t i = 0; i < x.size(); ++i) next[i] = x[i] - length * direction[i];
      f_next = value(next, next_gradient);
      lower = f_next <= f - 1e-4 * length * slope;
    }
    if (!lower) return;  // no digit is left to gain
    pair p{next, next_gradient, 0};
    for (std::size_t i = 0; i < x.size(); ++i) p.step[i] -= x[i], p.change[i] -= gradient[i];
    if (const double curvature = dot(p.step, p.change); curvature > 1e-14 * dot(p.change, p.change)) {
      p.inverse = 1 / curvature;
      pairs.push_back(std::move(p));
      if (pairs.size() > static_cast<std::size_t>(options.memory)) pairs.pop_front();
    }
    x.swap(next), gradient.swap(next_gradient), f = f_next;
  }
}

}  // namespace aixcell::detail
