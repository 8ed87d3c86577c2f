#pragma once
#include <algorithm>
#include <string_view>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/postprocess/detail/image_class_head.hpp>

namespace aixcell {

/// A class for the whole image, as for crops that hold one cell each; behind a decoder that pools.
///   target   [1,1,1] class index, -1 where nobody knows
///   output   [1,1,classes] logits
struct image_class {
  static constexpr std::string_view name = "image_class";
  static constexpr task solves = task::image_classification;
  static constexpr bool pools = true;
  static constexpr bool needs_image_classes = true;

  int image_classes = 2;
  std::vector<float> image_class_shares;  ///< see detail::image_class_head
  float label_smoothing = 0.05f;          ///< neighbouring phases and types are not told apart by experts either

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"label_smoothing", &image_class::label_smoothing, 0.0f, 0.2f}};
  }

  int output_channels() const { return image_classes; }
  int target_channels() const { return 1; }

  tensor<float> target(context<cpu>&, const annotation& truth) const {
    tensor<float> t({1, 1, 1});
    t[0] = static_cast<float>(truth.image_class);
    return t;
  }

  auto loss_terms(channel_offsets at) const { return head().loss_terms(at, 1); }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_losses<Real>(ctx, loss_terms({}), output, target, gradient);
  }

  prediction decode(context<cpu>&, view<const float, cpu> output) const {
    detail::require_output(name, output, image_classes);
    prediction found;
    head().decode_at(output, 0, found);
    return found;
  }

 private:
  detail::image_class_head head() const { return {image_classes, label_smoothing, image_class_shares}; }
};
static_assert(Postprocess<image_class>);

}  // namespace aixcell
