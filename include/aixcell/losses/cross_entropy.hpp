#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// Softmax over the channels against one class a pixel: mean over the pixels that count of -log p(class).
///   target   one channel with the class index 0..channels-1; pixels below 0 are skipped
/// With weights of classes or pixels, the mean is weighted. `label_smoothing` s gives the true class probability
/// 1 - s + s / K and every other s / K (Szegedy et al. 2016, section 7).
struct cross_entropy {
  std::vector<float> class_weights;  ///< empty, or one per class, >= 0
  float label_smoothing = 0;         ///< in [0,1)

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    detail::require_loss_shapes("cross_entropy", a, 1);
    const int classes = a.channels.count;
    if (!class_weights.empty() && static_cast<int>(class_weights.size()) != classes)
      throw shape_error("cross_entropy: " + std::to_string(class_weights.size()) + " class weights for " + std::to_string(classes) + " classes; give one per class");
    const index pixels = detail::pixel_count(a);
    const auto weight_of = [&](const detail::loss_pixel<Real>& p) {
      const auto c = static_cast<int>(p.target[0]);
      if (p.target[0] < 0 || c >= classes) return 0.0;
      return p.weight * (class_weights.empty() ? 1.0 : static_cast<double>(class_weights[static_cast<std::size_t>(c)]));
    };
    const double total = detail::sums_over_pixels(ctx, pixels, 1, [&](index i, std::vector<double>& sums) {
      sums[0] += weight_of(detail::pixel_of(a, i));
    })[0];
    if (total <= 0) return 0;
    const double low = static_cast<double>(label_smoothing) / classes, high = 1 - static_cast<double>(label_smoothing) + low, scale = static_cast<double>(a.scale) / total;
    const double sum = detail::sums_over_pixels(ctx, pixels, 1, [&](index i, std::vector<double>& sums) {
      const auto p = detail::pixel_of(a, i);
      const double w = weight_of(p);
      if (w <= 0) return;
      thread_local std::vector<double> probability;
      probability.resize(static_cast<std::size_t>(classes));
      const double log_sum = detail::softmax(p.output, classes, probability.data());
      const auto truth = static_cast<int>(p.target[0]);
      for (int c = 0; c < classes; ++c) {
        const double wanted = c == truth ? high : low;
        sums[0] += w * wanted * (log_sum - static_cast<double>(p.output[c]));
        p.gradient[c] += static_cast<Real>(scale * w * (probability[static_cast<std::size_t>(c)] - wanted));
      }
    })[0];
    return scale * sum;
  }
};
static_assert(Loss<cross_entropy>);

}  // namespace aixcell
