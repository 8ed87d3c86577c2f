#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/distance_transform.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/object_depths.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>
#include <aixcell/postprocess/detail/seeded_objects.hpp>

namespace aixcell {

/// Objects of any shape as three classes of pixels, background, interior and border (the rim inside each object, so
/// that touching objects are kept apart by their borders); interiors are the seeds of a watershed (Ronneberger et al.
/// 2015; Caicedo et al. 2019).
///   target   [H,W,1] 0 background, 1 interior, 2 border, -1 where nobody knows
///   output   [H,W,3] logits of the same
struct interior_border {
  static constexpr std::string_view name = "interior_border";
  static constexpr task solves = task::instance_segmentation;
  static constexpr int channels = 3;

  float border_width = 2.0f;      ///< pixels inside the object; less in objects that would have no interior left
  float border_weight = 2.0f;     ///< of border pixels in the loss: they are few and decide
  float seed_threshold = 0.5f;    ///< interior probability of a seed
  float object_threshold = 0.5f;  ///< probability of interior or border of an object's pixel
  int min_area = 8;               ///< pixels; smaller seeds and objects are noise

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"border_width", &interior_border::border_width, 1.0f, 4.0f},
                      hyperparameter{"border_weight", &interior_border::border_weight, 1.0f, 10.0f},
                      decoding(hyperparameter{"seed_threshold", &interior_border::seed_threshold, 0.2f, 0.9f}),
                      decoding(hyperparameter{"object_threshold", &interior_border::object_threshold, 0.2f, 0.8f}),
                      decoding(hyperparameter{"min_area", &interior_border::min_area, 1, 64})};
  }

  int output_channels() const { return channels; }
  int target_channels() const { return 1; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a label map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), 1});
    write_target(ctx, truth.labels, t, 0);
    return t;
  }

  /// Into one channel of a target that holds more.
  void write_target(context<cpu>& ctx, view<const std::int32_t, cpu> labels, view<float, cpu> t, int channel) const {
    tensor<float> distance(labels.shape());
    distance_to_outside(ctx, labels, distance);
    const std::vector<float> deepest = detail::object_depths(labels, distance);
    for (index_t p = 0; p < labels.size(); ++p) {
      const std::int32_t label = labels[p];
      float value = label < 0 ? -1.0f : 0.0f;
      if (label > 0)
        value = distance[p] <= std::min(border_width, 0.6f * deepest[static_cast<std::size_t>(label)]) ? 2.0f : 1.0f;
      t[p * t.extent(2) + channel] = value;
    }
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_loss<Real>(ctx, output, target, gradient, {});
  }

  auto loss_terms(channel_offsets at) const {
    return std::tuple{
        loss_term{cross_entropy{.class_weights = {1, 1, border_weight}}, channel_range{at.output, channels}, at.target}};
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
    tensor<float> landscape(ctx, {height, width}), object(ctx, {height, width});
    tensor<std::uint8_t> seeds(ctx, {height, width}), mask(ctx, {height, width});
    // Where neither logit comes near that of the background no exponential is needed to know that, which is most of an image.
    const float near = std::log(object_threshold / (2 * (1 - object_threshold))) - 0.01f;
    parallel_ranges(ctx, height * width, index_t{1} << 14, [&](index_t begin, index_t end) {
      for (index_t p = begin; p < end; ++p) {
        const float* logits = output.data() + p * output.extent(2) + first;
        if (std::max(logits[1], logits[2]) - logits[0] < near) {
          landscape[p] = 1, object[p] = 0, seeds[p] = mask[p] = 0;
          continue;
        }
        const std::array<float, channels> probability = softmax3(logits);
        landscape[p] = 1 - probability[1];
        object[p] = probability[1] + probability[2];
        seeds[p] = probability[1] > seed_threshold && object[p] > object_threshold;
        mask[p] = object[p] > object_threshold;
      }
    });
    label_map found({height, width});
    connected_components(seeds, connectivity::four, found);
    detail::remove_small(ctx, found, min_area);
    return detail::grow_seeds(ctx, {std::move(landscape), std::move(mask), std::move(object), min_area}, std::move(found));
  }

 private:
  static std::array<float, channels> softmax3(const float* logits) {
    const float greatest = std::max({logits[0], logits[1], logits[2]});
    std::array<float, channels> p{std::exp(logits[0] - greatest), std::exp(logits[1] - greatest),
                                  std::exp(logits[2] - greatest)};
    const float sum = p[0] + p[1] + p[2];
    for (float& v : p) v /= sum;
    return p;
  }
};
static_assert(Postprocess<interior_border>);

}  // namespace aixcell
