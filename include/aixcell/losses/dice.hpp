#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/losses/detail/class_targets.hpp>

namespace aixcell {

/// Soft Dice loss of a whole batch: 1 - mean over classes of (2 sum p t + e) / (sum p + sum t + e) (Milletari et al.
/// 2016, with the linear denominator of Drozdzal et al. 2016). One channel is a sigmoid against the class 1, several
/// are a softmax against class indices.
///   target   one channel with the class index; pixels below 0 are skipped; sums are weighted by pixel
/// Throws shape_error, and data_error on a class that the output does not have.
struct dice {
  bool background = false;  ///< whether class 0 of several counts too
  float smooth = 1;         ///< e, > 0: a class that is absent and not predicted costs nothing

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    detail::require_loss_shapes("dice", a, 1);
    const index_t pixels = detail::pixel_count(a);
    const int channels = a.channels.count, classes = std::max(channels, 2);
    const int first = channels > 1 && background ? 0 : 1;
    const index_t n = classes;
    // Calls f(pixel, true class, probability of every class) for the pixels that count.
    const auto for_each = [&](index_t begin, index_t end, auto&& f) {
      tensor<double> probability(ctx, {n});
      for (index_t i = begin; i < end; ++i) {
        const detail::loss_pixel<Real> p = detail::pixel_of(a, i);
        const int truth = detail::class_of("dice", p, classes);
        if (truth < 0 || p.weight <= 0) continue;
        if (channels > 1) {
          detail::softmax(p.output, channels, probability.data());
        } else {
          probability[1] = detail::sigmoid(static_cast<double>(p.output[0]));
          probability[0] = 1 - probability[1];
        }
        f(p, truth, probability);
      }
    };
    // For each class: sum of p t, of p, of t. Then the number of pixels that count.
    const auto sums = detail::sums_over_pixels(ctx, pixels, 3 * n + 1, [&](index_t begin, index_t end, const auto& s) {
      for_each(begin, end, [&](const auto& p, index_t truth, const tensor<double>& probability) {
        for (index_t c = 0; c < n; ++c) s[3 * c + 1] += p.weight * probability[c];
        s[3 * truth] += p.weight * probability[truth];
        s[3 * truth + 2] += p.weight;
        s[3 * n] += 1;
      });
    });
    if (sums[3 * n] == 0) return 0;
    const double scale = static_cast<double>(a.scale) / (classes - first), e = static_cast<double>(smooth);
    double loss = 0;
    // Derivatives by sum p t and by sum p.
    auto by_overlap = tensor<double>::zeros(ctx, {n}), by_probability = tensor<double>::zeros(ctx, {n});
    for (index_t c = first; c < n; ++c) {
      const double above = 2 * sums[3 * c] + e, below = sums[3 * c + 1] + sums[3 * c + 2] + e;
      loss += scale * (1 - above / below);
      by_overlap[c] = -scale * 2 / below;
      by_probability[c] = scale * above / (below * below);
    }
    parallel_ranges(ctx, pixels, 4096, [&](index_t begin, index_t end) {
      tensor<double> slope(ctx, {n});
      for_each(begin, end, [&](const auto& p, index_t truth, const tensor<double>& probability) {
        double mean = 0;
        for (index_t c = 0; c < n; ++c) {
          slope[c] = p.weight * (by_probability[c] + (c == truth ? by_overlap[c] : 0.0));
          mean += probability[c] * slope[c];
        }
        // Through the softmax; a sigmoid is a softmax of (0, x).
        for (int c = 0; c < channels; ++c) {
          const index_t k = channels > 1 ? c : 1;
          p.gradient[c] += static_cast<Real>(probability[k] * (slope[k] - mean));
        }
      });
    });
    return loss;
  }
};
static_assert(Loss<dice>);

}  // namespace aixcell
