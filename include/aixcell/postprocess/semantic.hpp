#pragma once
#include <algorithm>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/dice.hpp>
#include <aixcell/losses/sum_of.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>

namespace aixcell {

/// A class for every pixel: softmax, trained with cross-entropy and soft Dice.
///   target   [H,W,1] class index, -1 where nobody knows
///   output   [H,W,classes] logits
struct semantic {
  static constexpr std::string_view name = "semantic";
  static constexpr task solves = task::semantic_segmentation;

  int classes = 2;           ///< background included
  float dice_weight = 1.0f;  ///< beside cross-entropy

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"dice_weight", &semantic::dice_weight, 0.0f, 2.0f}};
  }

  int output_channels() const { return classes; }
  int target_channels() const { return 1; }

  /// The labels are class indices. Throws data_error on one that is not declared.
  tensor<float> target(context<cpu>&, const annotation& truth) const {
    require_rank(name, 2, "a class map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), 1});
    for (index_t p = 0; p < t.size(); ++p) {
      if (truth.labels[p] >= classes)
        throw data_error("semantic: class " + std::to_string(truth.labels[p]) + " in the mask, " +
                         std::to_string(classes) + " classes are declared");
      t[p] = static_cast<float>(truth.labels[p]);
    }
    return t;
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    const sum_of total{weighted<cross_entropy>{{}, 1.0}, weighted<dice>{{}, static_cast<double>(dice_weight)}};
    return total(
        ctx, loss_arguments<Real>{.output = output, .channels = {0, classes}, .target = target, .gradient = gradient});
  }

  prediction decode(context<cpu>&, view<const float, cpu> output) const {
    detail::require_output(name, output, classes);
    prediction found;
    found.labels = label_map({output.extent(0), output.extent(1)});
    const index_t channels = output.extent(2);
    for (index_t p = 0; p < found.labels.size(); ++p) {
      const float* logits = output.data() + p * channels;
      found.labels[p] = static_cast<std::int32_t>(std::max_element(logits, logits + classes) - logits);
    }
    return found;
  }
};
static_assert(Postprocess<semantic>);

}  // namespace aixcell
