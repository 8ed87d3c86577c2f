#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/distance_transform.hpp>
#include <aixcell/kernels/cpu/watershed.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/object_depths.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>

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

  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    const cross_entropy entropy{.class_weights = {1, 1, border_weight}};
    return entropy(ctx, loss_arguments<Real>{.output = output,
                                             .channels = {at.output, channels},
                                             .target = target,
                                             .target_channel = at.target,
                                             .gradient = gradient});
  }

  prediction decode(context<cpu>&, view<const float, cpu> output) const { return decode_at(output, 0); }

  /// From three channels of an output that holds more.
  prediction decode_at(view<const float, cpu> output, int first) const {
    detail::require_output(name, output, first + channels);
    const index_t height = output.extent(0), width = output.extent(1), pixels = height * width;
    tensor<float> landscape({height, width}), object({height, width});
    tensor<std::uint8_t> seeds({height, width}), mask({height, width});
    for (index_t p = 0; p < pixels; ++p) {
      const std::array<float, channels> probability = softmax3(output.data() + p * output.extent(2) + first);
      landscape[p] = 1 - probability[1];
      object[p] = probability[1] + probability[2];
      seeds[p] = probability[1] > seed_threshold && object[p] > object_threshold;
      mask[p] = object[p] > object_threshold;
    }
    prediction found;
    found.labels = label_map({height, width});
    connected_components(seeds, connectivity::four, found.labels);
    remove_small(found.labels);
    add_unseeded(mask, found.labels);
    watershed(landscape, mask, found.labels);
    number_and_score(found, object);
    return found;
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

  static std::vector<index_t> areas_of(const label_map& labels) {
    std::vector<index_t> areas(1, 0);
    for (const std::int32_t label : labels) {
      if (static_cast<std::size_t>(label) >= areas.size()) areas.resize(static_cast<std::size_t>(label) + 1, 0);
      ++areas[static_cast<std::size_t>(label)];
    }
    return areas;
  }

  void remove_small(label_map& labels) const {
    const std::vector<index_t> areas = areas_of(labels);
    for (std::int32_t& label : labels)
      if (label > 0 && areas[static_cast<std::size_t>(label)] < min_area) label = 0;
  }

  /// Parts of the mask without any seed are objects too small for an interior.
  void add_unseeded(const tensor<std::uint8_t>& mask, label_map& labels) const {
    label_map parts(labels.shape());
    const index_t count = connected_components(mask, connectivity::four, parts);
    std::vector<bool> seeded(static_cast<std::size_t>(count) + 1, false);
    std::int32_t last = 0;
    for (index_t p = 0; p < labels.size(); ++p) {
      last = std::max(last, labels[p]);
      if (labels[p] > 0) seeded[static_cast<std::size_t>(parts[p])] = true;
    }
    const std::vector<index_t> areas = areas_of(parts);
    for (index_t p = 0; p < labels.size(); ++p) {
      const auto part = static_cast<std::size_t>(parts[p]);
      if (part > 0 && !seeded[part] && areas[part] >= min_area) labels[p] = last + parts[p];
    }
  }

  /// Labels 1..N without gaps, each with its mean object probability.
  void number_and_score(prediction& found, const tensor<float>& object) const {
    const std::vector<index_t> areas = areas_of(found.labels);
    std::vector<std::int32_t> number(areas.size(), 0);
    std::int32_t next = 0;
    for (std::size_t i = 1; i < areas.size(); ++i)
      if (areas[i] >= std::max(1, min_area)) number[i] = ++next;
    std::vector<double> sums(static_cast<std::size_t>(next) + 1, 0.0), counts(sums.size(), 0.0);
    for (index_t p = 0; p < found.labels.size(); ++p) {
      found.labels[p] = number[static_cast<std::size_t>(found.labels[p])];
      sums[static_cast<std::size_t>(found.labels[p])] += static_cast<double>(object[p]);
      ++counts[static_cast<std::size_t>(found.labels[p])];
    }
    for (std::size_t i = 1; i < sums.size(); ++i) {
      found.objects.emplace_back();
      found.objects.back().score = static_cast<float>(sums[i] / counts[i]);
    }
  }
};
static_assert(Postprocess<interior_border>);

}  // namespace aixcell
