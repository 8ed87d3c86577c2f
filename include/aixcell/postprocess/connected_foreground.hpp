#pragma once
#include <algorithm>
#include <cmath>
#include <utility>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/losses/binary_cross_entropy.hpp>
#include <aixcell/losses/dice.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>
#include <aixcell/postprocess/detail/seeded_objects.hpp>

namespace aixcell {

/// Objects as the connected parts of the foreground, the plain use of a U-Net: pixels are told from the background as well as
/// they can be, and objects that touch are one. For objects that stand apart, and the measure of every other representation.
///   target   [H,W,1] 1 in objects, 0 outside, -1 where nobody knows
///   output   [H,W,1] logit of the same
struct connected_foreground {
  static constexpr std::string_view name = "connected_foreground";
  static constexpr task solves = task::instance_segmentation;
  static constexpr int channels = 1;

  float dice_weight = 1.0f;       ///< beside cross-entropy
  float object_threshold = 0.5f;  ///< probability of an object's pixel
  int min_area = 8;               ///< pixels; smaller objects are noise

  static constexpr auto hyperparameters() {
    return std::tuple{
        hyperparameter{"dice_weight", &connected_foreground::dice_weight, 0.0f, 2.0f},
        decoding(hyperparameter{"object_threshold", &connected_foreground::object_threshold, 0.2f, 0.8f}),
        decoding(hyperparameter{"min_area", &connected_foreground::min_area, 1, 64})};
  }

  int output_channels() const { return channels; }
  int target_channels() const { return channels; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a label map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), channels});
    write_target(ctx, truth.labels, t, 0);
    return t;
  }

  /// Into one channel of a target that holds more.
  void write_target(context<cpu>&, view<const std::int32_t, cpu> labels, view<float, cpu> t, int channel) const {
    for (index_t p = 0; p < labels.size(); ++p)
      t[p * t.extent(2) + channel] = static_cast<float>(std::clamp(labels[p], -1, 1));
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_loss<Real>(ctx, output, target, gradient, {});
  }

  auto loss_terms(channel_offsets at) const {
    const channel_range all{at.output, channels};
    return std::tuple{loss_term{binary_cross_entropy{}, all, at.target},
                      loss_term{dice{}, all, at.target, -1, static_cast<double>(dice_weight)}};
  }

  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    return add_losses<Real>(ctx, loss_terms(at), output, target, gradient);
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const { return decode_at(ctx, output, 0); }

  /// From one channel of an output that holds more.
  prediction decode_at(context<cpu>& ctx, view<const float, cpu> output, int channel) const {
    detail::require_output(name, output, channel + channels);
    tensor<float> object({output.extent(0), output.extent(1)});
    tensor<std::uint8_t> mask(object.shape());
    parallel_ranges(ctx, mask.size(), index_t{1} << 14, [&](index_t begin, index_t end) {
      for (index_t p = begin; p < end; ++p) {
        object[p] = 1 / (1 + std::exp(-output.data()[p * output.extent(2) + channel]));
        mask[p] = object[p] > object_threshold;
      }
    });
    label_map parts(object.shape());
    connected_components(mask, connectivity::four, parts);
    return detail::numbered_and_scored(ctx, std::move(parts), object, min_area);
  }
};
static_assert(Postprocess<connected_foreground>);

}  // namespace aixcell
