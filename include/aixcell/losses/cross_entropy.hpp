#pragma once
#include <string>
#include <vector>

#include <aixcell/losses/detail/class_targets.hpp>

namespace aixcell {

/// Softmax over the channels against one class a pixel: mean over the pixels that count of -log p(class).
///   target   one channel with the class index 0..channels-1; pixels below 0 are skipped
/// With weights of classes or pixels, the mean is weighted. `label_smoothing` s gives the true class probability
/// 1 - s + s / K and every other s / K (Szegedy et al. 2016, section 7). Throws shape_error, and data_error on a class
/// that the output does not have.
///
/// `offsets` are added to the logits: with t ln(share of the class) the loss is that of logit adjustment (Menon et al. 2021,
/// eq. 10), whose minimum gives every class the same recall however rare it is.
struct cross_entropy {
  std::vector<float> class_weights = {};  ///< empty, or one per class, >= 0
  float label_smoothing = 0;              ///< in [0,1)
  std::vector<float> offsets = {};        ///< empty, or one per class

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    const detail::class_targets targets("cross_entropy", a, class_weights);
    const double total = targets.total_weight(ctx);
    if (total <= 0) return 0;
    const int classes = a.channels.count;
    if (!offsets.empty() && std::ssize(offsets) != classes)
      throw shape_error("cross_entropy: " + std::to_string(offsets.size()) + " offsets for " + std::to_string(classes) +
                        " classes; give one per class");
    const double smoothing = static_cast<double>(label_smoothing), low = smoothing / classes;
    const double high = 1 - smoothing + low, scale = static_cast<double>(a.scale) / total;
    return scale * detail::sum_over_pixels(ctx, detail::pixel_count(a), [&](index_t begin, index_t end) {
             tensor<double> probability(ctx, {classes});
             tensor<Real> adjusted(ctx, {std::ssize(offsets)});
             double sum = 0;
             targets.for_each(begin, end, [&](const detail::loss_pixel<Real>& p, int truth, double weight) {
               const Real* logits = p.output;
               if (!offsets.empty()) {
                 for (std::size_t c = 0; c < offsets.size(); ++c) adjusted[c] = logits[c] + static_cast<Real>(offsets[c]);
                 logits = adjusted.data();
               }
               const double log_sum = detail::softmax(logits, classes, probability.data());
               for (int c = 0; c < classes; ++c) {
                 const double wanted = c == truth ? high : low;
                 if (wanted > 0) sum += weight * wanted * (log_sum - static_cast<double>(logits[c]));
                 p.gradient[c] +=
                     static_cast<Real>(scale * weight * (probability[c] - wanted));
               }
             });
             return sum;
           });
  }
};
static_assert(Loss<cross_entropy>);

}  // namespace aixcell
