#pragma once
#include <algorithm>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/dice.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
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
  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a class map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), 1});
    write_target(ctx, truth.labels, t, 0);
    return t;
  }

  /// Into one channel of a target that holds more.
  void write_target(context<cpu>&, view<const std::int32_t, cpu> labels, view<float, cpu> t, int channel) const {
    for (index_t p = 0; p < labels.size(); ++p) {
      if (labels[p] >= classes)
        throw data_error("semantic: class " + std::to_string(labels[p]) + " in the mask, " + std::to_string(classes) +
                         " classes are declared");
      t[p * t.extent(2) + channel] = static_cast<float>(labels[p]);
    }
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_loss<Real>(ctx, output, target, gradient, {});
  }

  auto loss_terms(channel_offsets at) const {
    const channel_range all{at.output, classes};
    return std::tuple{loss_term{cross_entropy{}, all, at.target},
                      loss_term{dice{}, all, at.target, -1, static_cast<double>(dice_weight)}};
  }

  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    return add_losses<Real>(ctx, loss_terms(at), output, target, gradient);
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const { return decode_at(ctx, output, 0); }

  /// From `classes` channels of an output that holds more.
  prediction decode_at(context<cpu>&, view<const float, cpu> output, int first) const {
    detail::require_output(name, output, first + classes);
    prediction found;
    found.labels = label_map({output.extent(0), output.extent(1)});
    for (index_t p = 0; p < found.labels.size(); ++p) {
      const float* logits = output.data() + p * output.extent(2) + first;
      found.labels[p] = static_cast<std::int32_t>(std::max_element(logits, logits + classes) - logits);
    }
    return found;
  }
};
static_assert(Postprocess<semantic>);

}  // namespace aixcell
