#pragma once
#include <cmath>
#include <vector>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// Soft Dice loss of a whole batch: 1 - mean over classes of (2 sum p t + e) / (sum p + sum t + e) (Milletari et al. 2016,
/// with the linear denominator of Drozdzal et al. 2016). One channel is a sigmoid against the class 1, several are a
/// softmax against class indices.
///   target   one channel with the class index; pixels below 0 are skipped
struct dice {
  bool background = false;  ///< whether class 0 of several counts too
  float smooth = 1;         ///< e, > 0: a class that is absent and not predicted costs nothing

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    detail::require_loss_shapes("dice", a, 1);
    const index pixels = detail::pixel_count(a);
    const int channels = a.channels.count, classes = std::max(channels, 2), first = channels > 1 && background ? 0 : 1;
    const auto n = static_cast<std::size_t>(classes);
    const auto probabilities = [&](const detail::loss_pixel<Real>& p, double* out) {
      if (channels > 1) {
        detail::softmax(p.output, channels, out);
      } else {
        const double x = static_cast<double>(p.output[0]), e = std::exp(-std::abs(x));
        out[1] = x >= 0 ? 1 / (1 + e) : e / (1 + e);
        out[0] = 1 - out[1];
      }
    };
    const auto counts = [&](const detail::loss_pixel<Real>& p) { return p.target[0] >= 0 && p.target[0] < static_cast<float>(classes) && p.weight > 0; };
    // For each class: sum of p t, of p, of t; then the number of pixels that count.
    const std::vector<double> sums = detail::sums_over_pixels(ctx, pixels, 3 * n + 1, [&](index i, std::vector<double>& s) {
      const auto p = detail::pixel_of(a, i);
      if (!counts(p)) return;
      thread_local std::vector<double> probability;
      probability.resize(n);
      probabilities(p, probability.data());
      const auto truth = static_cast<std::size_t>(p.target[0]);
      for (std::size_t c = 0; c < n; ++c) s[3 * c + 1] += p.weight * probability[c];
      s[3 * truth] += p.weight * probability[truth];
      s[3 * truth + 2] += p.weight;
      s[3 * n] += 1;
    });
    if (sums[3 * n] == 0) return 0;
    const double scale = static_cast<double>(a.scale) / (classes - first);
    double loss = 0;
    std::vector<double> by_overlap(n, 0.0), by_probability(n, 0.0);  // derivatives by sum p t and by sum p
    for (std::size_t c = static_cast<std::size_t>(first); c < n; ++c) {
      const double above = 2 * sums[3 * c] + static_cast<double>(smooth), below = sums[3 * c + 1] + sums[3 * c + 2] + static_cast<double>(smooth);
      loss += scale * (1 - above / below);
      by_overlap[c] = -scale * 2 / below;
      by_probability[c] = scale * above / (below * below);
    }
    parallel_ranges(ctx, pixels, 4096, [&](index begin, index end) {
      std::vector<double> probability(n), slope(n);
      for (index i = begin; i < end; ++i) {
        const auto p = detail::pixel_of(a, i);
        if (!counts(p)) continue;
        probabilities(p, probability.data());
        const auto truth = static_cast<std::size_t>(p.target[0]);
        double mean = 0;
        for (std::size_t c = 0; c < n; ++c) {
          slope[c] = p.weight * (by_probability[c] + (c == truth ? by_overlap[c] : 0.0));
          mean += probability[c] * slope[c];
        }
        if (channels == 1)
          p.gradient[0] += static_cast<Real>(probability[1] * (slope[1] - mean));
        else
          for (std::size_t c = 0; c < n; ++c) p.gradient[c] += static_cast<Real>(probability[c] * (slope[c] - mean));
      }
    });
    return loss;
  }
};
static_assert(Loss<dice>);

}  // namespace aixcell
