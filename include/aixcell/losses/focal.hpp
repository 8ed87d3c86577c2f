#pragma once
#include <cmath>
#include <vector>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// Cross-entropy in which well classified pixels weigh little: mean of -(1 - p)^gamma log p of the true class (Lin et
/// al. 2017, eq. 4), softmax over the channels.
///   target   one channel with the class index; pixels below 0 are skipped
struct focal {
  float gamma = 2;                   ///< >= 0; 0 is cross-entropy
  std::vector<float> class_weights;  ///< alpha of eq. 5: empty, or one per class

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    detail::require_loss_shapes("focal", a, 1);
    const int classes = a.channels.count;
    if (!class_weights.empty() && static_cast<int>(class_weights.size()) != classes)
      throw shape_error("focal: " + std::to_string(class_weights.size()) + " class weights for " + std::to_string(classes) + " classes; give one per class");
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
    const double scale = static_cast<double>(a.scale) / total, g = static_cast<double>(gamma);
    return scale * detail::sums_over_pixels(ctx, pixels, 1, [&](index i, std::vector<double>& sums) {
      const auto p = detail::pixel_of(a, i);
      const double w = weight_of(p);
      if (w <= 0) return;
      thread_local std::vector<double> probability;
      probability.resize(static_cast<std::size_t>(classes));
      const double log_sum = detail::softmax(p.output, classes, probability.data());
      const auto truth = static_cast<std::size_t>(p.target[0]);
      const double log_p = static_cast<double>(p.output[truth]) - log_sum, pt = probability[truth], rest = 1 - pt;
      const double modulation = std::pow(rest, g);
      sums[0] -= w * modulation * log_p;
      // d loss / d logit c = slope * (delta(c, truth) - p[c]) with slope = p * d loss / d p.
      const double slope = (rest > 0 ? g * pt * std::pow(rest, g - 1) * log_p : 0.0) - modulation;
      for (int c = 0; c < classes; ++c)
        p.gradient[c] += static_cast<Real>(scale * w * slope * ((static_cast<std::size_t>(c) == truth ? 1.0 : 0.0) - probability[static_cast<std::size_t>(c)]));
    })[0];
  }
};
static_assert(Loss<focal>);

}  // namespace aixcell
