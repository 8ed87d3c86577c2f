#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/distance_transform.hpp>
#include <aixcell/kernels/cpu/h_maxima.hpp>
#include <aixcell/kernels/cpu/smooth_inside.hpp>
#include <aixcell/losses/binary_cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/object_depths.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>
#include <aixcell/postprocess/detail/seeded_objects.hpp>

namespace aixcell {

/// Objects of any shape as hills: every pixel says how likely it is an object's and how deep inside, as a share of the
/// depth of its object's deepest pixel, so that small and large objects are hills of one height. Summits that stand out
/// are the seeds of a watershed of the negated depth (Naylor et al. 2019; Beucher & Meyer 1993).
///   target   [H,W,2] 1 in objects, 0 outside; distance to the outside of the own object, 1 at the deepest pixel, 0
///            outside; both -1 where nobody knows
///   output   [H,W,2] logits of both
struct distance_watershed {
  static constexpr std::string_view name = "distance_watershed";
  static constexpr task solves = task::instance_segmentation;
  static constexpr int channels = 2;
  static constexpr int smoothing = 2;  ///< rounds: a pixel's deviation, for the summits that pixels make

  float distance_weight = 2.0f;   ///< of the depth's cross-entropy in the loss
  float object_threshold = 0.5f;  ///< probability of an object's pixel
  float seed_threshold = 0.4f;    ///< depth that every pixel of a seed exceeds
  float seed_height = 0.2f;       ///< by how much a summit stands above the way to a higher one
  int min_area = 8;               ///< pixels; smaller objects are noise

  static constexpr auto hyperparameters() {
    return std::tuple{
        hyperparameter{"distance_weight", &distance_watershed::distance_weight, 0.5f, 8.0f, scale::logarithmic},
        decoding(hyperparameter{"object_threshold", &distance_watershed::object_threshold, 0.2f, 0.8f}),
        decoding(hyperparameter{"seed_threshold", &distance_watershed::seed_threshold, 0.1f, 0.8f}),
        decoding(hyperparameter{"seed_height", &distance_watershed::seed_height, 0.02f, 0.5f}),
        decoding(hyperparameter{"min_area", &distance_watershed::min_area, 1, 64})};
  }

  int output_channels() const { return channels; }
  int target_channels() const { return channels; }

  tensor<float> target(context<cpu>& ctx, const annotation& truth) const {
    require_rank(name, 2, "a label map [H,W]", truth.labels.shape());
    tensor<float> t({truth.labels.extent(0), truth.labels.extent(1), channels});
    write_target(ctx, truth.labels, t, 0);
    return t;
  }

  /// Into channels `first`.. of a target that holds more.
  void write_target(context<cpu>& ctx, view<const std::int32_t, cpu> labels, view<float, cpu> t, int first) const {
    tensor<float> distance(labels.shape());
    distance_to_outside(ctx, labels, distance);
    const std::vector<float> deepest = detail::object_depths(labels, distance);
    for (index_t p = 0; p < labels.size(); ++p) {
      const std::int32_t label = labels[p];
      float* to = t.data() + p * t.extent(2) + first;
      to[0] = label < 0 ? -1.0f : label > 0 ? 1.0f : 0.0f;
      to[1] = label > 0 ? distance[p] / deepest[static_cast<std::size_t>(label)] : to[0];
    }
  }

  template <class Real>
  double loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
              view<Real, cpu> gradient) const {
    std::fill(gradient.begin(), gradient.end(), Real(0));
    return add_loss<Real>(ctx, output, target, gradient, {});
  }

  auto loss_terms(channel_offsets at) const {
    return std::tuple{loss_term{binary_cross_entropy{}, channel_range{at.output, 1}, at.target},
                      loss_term{binary_cross_entropy{}, channel_range{at.output + 1, 1}, at.target + 1, -1,
                                static_cast<double>(distance_weight)}};
  }

  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    return add_losses<Real>(ctx, loss_terms(at), output, target, gradient);
  }

  prediction decode(context<cpu>& ctx, view<const float, cpu> output) const { return decode_at(ctx, output, 0); }

  /// From two channels of an output that holds more.
  prediction decode_at(context<cpu>& ctx, view<const float, cpu> output, int first) const {
    detail::require_output(name, output, first + channels);
    const index_t height = output.extent(0), width = output.extent(1);
    const auto probability = [](float logit) { return 1 / (1 + std::exp(-logit)); };
    tensor<float> depth({height, width}), object({height, width});
    tensor<std::uint8_t> mask({height, width});
    parallel_ranges(ctx, mask.size(), index_t{1} << 14, [&](index_t begin, index_t end) {
      for (index_t p = begin; p < end; ++p) {
        const float* from = output.data() + p * output.extent(2) + first;
        object[p] = probability(from[0]);
        mask[p] = object[p] > object_threshold;
        const float deep = probability(from[1]);
        depth[p] = mask[p] && deep > 0 ? deep : 0.0f;  // in this order no number becomes 0
      }
    });
    smooth_inside(mask, smoothing, depth);
    label_map seeds({height, width});
    h_maxima(depth, {.depth = seed_height, .least = seed_threshold}, seeds);
    for (float& d : depth) d = 1 - d;
    return detail::grow_seeds(ctx, {std::move(depth), std::move(mask), std::move(object), min_area}, std::move(seeds));
  }
};
static_assert(Postprocess<distance_watershed>);

}  // namespace aixcell
