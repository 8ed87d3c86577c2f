#pragma once
#include <cmath>
#include <vector>

#include <aixcell/losses/detail/class_targets.hpp>

namespace aixcell {

/// Cross-entropy in which well classified pixels weigh little: mean of -(1 - p)^gamma log p of the true class (Lin et
/// al. 2017, eq. 4), softmax over the channels.
///   target   one channel with the class index 0..channels-1; pixels below 0 are skipped
/// With weights of classes or pixels, the mean is weighted. Throws shape_error, and data_error on a class that the
/// output does not have.
struct focal {
  float gamma = 2;                        ///< >= 0; 0 is cross-entropy
  std::vector<float> class_weights = {};  ///< alpha of eq. 5: empty, or one per class, >= 0

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    const detail::class_targets targets("focal", a, class_weights);
    const double total = targets.total_weight(ctx);
    if (total <= 0) return 0;
    const int classes = a.channels.count;
    const double scale = static_cast<double>(a.scale) / total, g = static_cast<double>(gamma);
    return scale * detail::sum_over_pixels(ctx, detail::pixel_count(a), [&](index_t begin, index_t end) {
             tensor<double> probability(ctx, {classes});
             double sum = 0;
             targets.for_each(begin, end, [&](const detail::loss_pixel<Real>& p, int truth, double weight) {
               const double log_sum = detail::softmax(p.output, classes, probability.data());
               const double log_p = static_cast<double>(p.output[truth]) - log_sum;
               const double pt = probability[truth], rest = 1 - pt,
                            modulation = std::pow(rest, g);
               sum -= weight * modulation * log_p;
               // d loss / d logit[c] = slope * (delta(c, truth) - p[c]) with slope = p d loss / d p of the true class.
               const double slope = (rest > 0 ? g * pt * std::pow(rest, g - 1) * log_p : 0.0) - modulation;
               for (int c = 0; c < classes; ++c)
                 p.gradient[c] += static_cast<Real>(
                     scale * weight * slope * ((c == truth ? 1.0 : 0.0) - probability[c]));
             });
             return sum;
           });
  }
};
static_assert(Loss<focal>);

}  // namespace aixcell
