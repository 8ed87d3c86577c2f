#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/fill_holes.hpp>
#include <aixcell/kernels/cpu/follow_flow.hpp>
#include <aixcell/losses/binary_cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/losses/masked_l2.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/centre_flow.hpp>
#include <aixcell/postprocess/detail/flow_sinks.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>
#include <aixcell/postprocess/detail/seeded_objects.hpp>

namespace aixcell {

/// Objects of any shape as a flow to their middles (Stringer et al. 2021, Cellpose): every pixel says how likely it is an
/// object's and in which direction the heat rises that spread from the object's middle. Pixels that follow the flow to
/// one place are one object; an object whose own flow is unlike the predicted one is none.
///   target   [H,W,4] 1 in objects, 0 outside, -1 where nobody knows; 1 where somebody knows, else 0; flow in rows and in
///            columns, of length `flow_unit`, 0 outside
///   output   [H,W,3] logit of an object's pixel, flow likewise
struct flow_field {
  static constexpr std::string_view name = "flow_field";
  static constexpr task solves = task::instance_segmentation;
  static constexpr int channels = 3;
  static constexpr float flow_unit = 5;  ///< length in the output of a flow of one pixel a step

  float flow_weight = 0.5f;       ///< of the squared error of the flow in the loss
  float object_threshold = 0.5f;  ///< probability of an object's pixel
  float most_flow_error = 0.4f;   ///< mean squared difference of an object's own and its predicted flow, in steps
  int min_area = 8;               ///< pixels; smaller objects are noise
  int steps = 200;                ///< a pixel follows the flow: about the longest way to a middle, in pixels

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"flow_weight", &flow_field::flow_weight, 0.1f, 2.0f, scale::logarithmic},
                      decoding(hyperparameter{"object_threshold", &flow_field::object_threshold, 0.2f, 0.8f}),
                      decoding(hyperparameter{"most_flow_error", &flow_field::most_flow_error, 0.1f, 1.2f}),
                      decoding(hyperparameter{"min_area", &flow_field::min_area, 1, 64})};
  }

  int output_channels() const { return channels; }
  int target_channels() const { return 4; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a label map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), 4});
    write_target(ctx, truth.labels, t, 0);
    return t;
  }

  /// Into channels `first`.. of a target that holds more.
  void write_target(context<cpu>& ctx, view<const std::int32_t, cpu> labels, view<float, cpu> t, int first) const {
    tensor<float> flow({labels.extent(0), labels.extent(1), 2});
    detail::centre_flow(ctx, labels, flow);
    for (index_t p = 0; p < labels.size(); ++p) {
      float* to = t.data() + p * t.extent(2) + first;
      to[0] = labels[p] < 0 ? -1.0f : labels[p] > 0 ? 1.0f : 0.0f;
      to[1] = labels[p] < 0 ? 0.0f : 1.0f;
      to[2] = flow_unit * flow[2 * p];
      to[3] = flow_unit * flow[2 * p + 1];
    }
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_loss<Real>(ctx, output, target, gradient, {});
  }

  /// Cross-entropy and half the squared error of the flow, on objects and background alike, as in the paper.
  auto loss_terms(channel_offsets at) const {
    return std::tuple{loss_term{binary_cross_entropy{}, channel_range{at.output, 1}, at.target},
                      loss_term{masked_l2{}, channel_range{at.output + 1, 2}, at.target + 2, at.target + 1,
                                static_cast<double>(flow_weight)}};
  }

  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    return add_losses<Real>(ctx, loss_terms(at), output, target, gradient);
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const { return decode_at(ctx, output, 0); }

  /// From three channels of an output that holds more.
  prediction decode_at(context<cpu>& ctx, view<const float, cpu> output, int first) const {
    detail::require_output(name, output, first + channels);
    const index_t height = output.extent(0), width = output.extent(1);
    tensor<float> object({height, width}), flow({height, width, 2}), ends({height, width, 2});
    tensor<std::uint8_t> mask({height, width});
    parallel_ranges(ctx, mask.size(), index_t{1} << 14, [&](index_t begin, index_t end) {
      for (index_t p = begin; p < end; ++p) {
        const float* from = output.data() + p * output.extent(2) + first;
        object[p] = 1 / (1 + std::exp(-from[0]));
        mask[p] = object[p] > object_threshold;
        for (int c = 0; c < 2; ++c) flow[2 * p + c] = mask[p] ? from[1 + c] / flow_unit : 0.0f;
      }
    });
    follow_flow(ctx, flow, mask, {.steps = steps}, ends);
    label_map labels({height, width});
    detail::flow_sinks(ends, mask, std::min(10, min_area), labels);
    remove_unlike(ctx, flow, labels);
    fill_holes(labels);
    return detail::numbered_and_scored(ctx, std::move(labels), object, min_area);
  }

  /// Mirrored images have mirrored directions.
  void flip(view<float, cpu> dense, mirror m) const {
    const int channel = m == mirror::horizontal ? 2 : 1;
    for (index_t p = channel; p < dense.size(); p += dense.extent(2)) dense[p] = -dense[p];
  }

 private:
  void remove_unlike(context<cpu>& ctx, const tensor<float>& flow, label_map& labels) const {
    tensor<float> own(flow.shape());
    detail::centre_flow(ctx, labels, own);
    const std::vector<index_t> areas = detail::sums_of_labels(labels).areas;
    std::vector<double> error(areas.size(), 0.0);
    for (index_t p = 0; p < labels.size(); ++p) {
      const double dy = static_cast<double>(own[2 * p]) - static_cast<double>(flow[2 * p]);
      const double dx = static_cast<double>(own[2 * p + 1]) - static_cast<double>(flow[2 * p + 1]);
      error[static_cast<std::size_t>(labels[p])] += dy * dy + dx * dx;
    }
    for (std::int32_t& label : labels) {
      const auto at = static_cast<std::size_t>(label);
      // In this order an error that is no number is too great.
      if (label > 0 && !(error[at] <= static_cast<double>(most_flow_error) * static_cast<double>(areas[at]))) label = 0;
    }
  }
};
static_assert(Postprocess<flow_field>);

}  // namespace aixcell
