#pragma once
#include <string>
#include <vector>

#include <aixcell/losses/loss.hpp>

namespace aixcell::detail {

/// Class index of a pixel, -1 where nobody knows. Throws data_error on one that the output does not have: silence here
/// would hide a data set whose classes were counted wrongly.
template <class Real>
int class_of(const char* name, const loss_pixel<Real>& p, int classes) {
  const float truth = p.target[0];
  if (truth < 0) return -1;
  if (!(truth < static_cast<float>(classes)))
    throw data_error(std::string(name) + ": the target has class " + std::to_string(truth) + ", the output only 0.." +
                     std::to_string(classes - 1) + "; give the output one channel for each class");
  return static_cast<int>(truth);
}

/// Class targets for a softmax over the output's channels, weighted by pixel and by class.
template <class Real>
class class_targets {
 public:
  /// `weights` is empty, or has one weight >= 0 per class; it must outlive this. Throws shape_error.
  class_targets(const char* name, const loss_arguments<Real>& a, const std::vector<float>& weights)
      : name_(name), arguments_(a), weights_(weights) {
    require_loss_shapes(name, a, 1);
    if (!weights.empty() && std::ssize(weights) != a.channels.count)
      throw shape_error(std::string(name) + ": " + std::to_string(weights.size()) + " class weights for " +
                        std::to_string(a.channels.count) + " classes; give one per class");
  }

  /// Calls f(pixel, class, weight) for the pixels begin..end-1 that count.
  template <class Function>
  void for_each(index_t begin, index_t end, Function&& f) const {
    for (index_t i = begin; i < end; ++i) {
      const loss_pixel<Real> p = pixel_of(arguments_, i);
      const int truth = class_of(name_, p, arguments_.channels.count);
      if (truth < 0) continue;
      const double weight =
          weights_.empty() ? p.weight : p.weight * static_cast<double>(weights_[static_cast<std::size_t>(truth)]);
      if (weight > 0) f(p, truth, weight);
    }
  }

  /// Sum of the weights of all pixels that count.
  double total_weight(context<cpu>& ctx) const {
    return sum_over_pixels(ctx, pixel_count(arguments_), [&](index_t begin, index_t end) {
      double sum = 0;
      for_each(begin, end, [&](const loss_pixel<Real>&, int, double weight) { sum += weight; });
      return sum;
    });
  }

 private:
  const char* name_;
  const loss_arguments<Real>& arguments_;
  const std::vector<float>& weights_;
};

}  // namespace aixcell::detail
