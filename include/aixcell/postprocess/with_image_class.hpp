#pragma once
#include <algorithm>
#include <string_view>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/joined_names.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/postprocess/detail/image_class_head.hpp>

namespace aixcell {

/// A dense representation and, on top, a class for the whole image, from the mean of class logits over the pixels: the shape
/// of a cell and its type with one network.
///   target   the representation's, then one channel: class of the image in every pixel, -1 where nobody knows
///   output   the representation's, then `image_classes` logits
template <Postprocess Dense>
struct with_image_class {
  static_assert(!detail::pools<Dense>, "with_image_class needs a postprocess of dense maps; image_class stands alone");

  struct tail {
    static constexpr std::string_view name = "image_class";
  };
  static constexpr std::string_view name = detail::joined_names<Dense, tail>::value;
  static constexpr task solves = Dense::solves;
  static constexpr bool needs_image_classes = true;
  static constexpr int feature_channels = [] {
    if constexpr (requires { Dense::feature_channels; }) return Dense::feature_channels;
    return 0;
  }();

  Dense dense;
  int image_classes = 2;
  std::vector<float> image_class_shares;  ///< see detail::image_class_head
  float image_class_weight = 0.5f;        ///< of the image's class in the loss

  int output_channels() const { return dense.output_channels() + image_classes; }
  int target_channels() const { return dense.target_channels() + 1; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a label map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), target_channels()});
    dense.write_target(ctx, truth.labels, t, 0);
    for (index_t p = 0; p < truth.labels.size(); ++p)
      t[p * t.extent(2) + dense.target_channels()] = static_cast<float>(truth.image_class);
    return t;
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return dense.template add_loss<Real>(ctx, output, target, gradient, {}) +
           add_losses<Real>(ctx, image_terms({}), output, target, gradient);
  }

  auto image_terms(channel_offsets at) const {
    return head().loss_terms({at.output + dense.output_channels(), at.target + dense.target_channels()},
                             static_cast<double>(image_class_weight));
  }
  auto loss_terms(channel_offsets at) const requires requires(const Dense& d) { d.loss_terms(at); }
  {
    return std::tuple_cat(dense.loss_terms(at), image_terms(at));
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const {
    detail::require_output(name, output, output_channels());
    prediction found = dense.decode_at(ctx, output, 0);
    head().decode_at(output, dense.output_channels(), found);
    return found;
  }

  template <class Map>
  requires requires(const Dense d, Map map, mirror m) { d.flip(map, m); }
  void flip(Map map, mirror m) const { dense.flip(map, m); }

  detail::image_class_head head() const { return {image_classes, 0, image_class_shares}; }
};

/// The tunables are those of the representation.
template <class Dense, class Function>
void for_each_hyperparameter(with_image_class<Dense>& policy, Function&& f) {
  for_each_hyperparameter(policy.dense, f);
}

}  // namespace aixcell
