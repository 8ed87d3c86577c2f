#pragma once
// Label maps to encode, outputs that a perfect network would give, and a gradient check for a policy's loss.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <aixcell/core/random.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include <aixcell/metrics/matching.hpp>

namespace aixcell::test {

struct scene_options {
  index_t height = 96, width = 112;
  int objects = 12;
  float least_radius = 5, greatest_radius = 13;
};

/// Ellipses at random places, later ones below earlier ones, so that many touch. Numbers have gaps: 3, 6, 9, ...
inline label_map ellipses(const scene_options& o, random_stream random) {
  label_map labels({o.height, o.width});
  for (int n = 1; n <= o.objects; ++n) {
    const float a = random.uniform(o.least_radius, o.greatest_radius), b = random.uniform(0.6f * a, a),
                turn = random.uniform(0, 3.14f);
    const float y = random.uniform(0, static_cast<float>(o.height)), x = random.uniform(0, static_cast<float>(o.width));
    // An object that is mostly hidden is no object.
    const auto covered = [&](index_t i, index_t j) {
      const float dy = static_cast<float>(i) - y, dx = static_cast<float>(j) - x;
      const float u = std::cos(turn) * dx + std::sin(turn) * dy, v = std::cos(turn) * dy - std::sin(turn) * dx;
      return u * u / (a * a) + v * v / (b * b) <= 1;
    };
    index_t whole = 0, free = 0;
    for (index_t i = 0; i < o.height; ++i)
      for (index_t j = 0; j < o.width; ++j)
        if (covered(i, j)) ++whole, free += labels(i, j) == 0;
    if (free < 20 || free * 10 < whole * 9) continue;
    for (index_t i = 0; i < o.height; ++i)
      for (index_t j = 0; j < o.width; ++j)
        if (covered(i, j) && labels(i, j) == 0) labels(i, j) = 3 * n;
  }
  return labels;
}

/// Discs of one radius in a grid, each touching its four neighbours.
inline label_map touching_discs(index_t height, index_t width, index_t radius) {
  label_map labels({height, width});
  const index_t pitch = 2 * radius;
  for (index_t i = 0; i < height; ++i)
    for (index_t j = 0; j < width; ++j) {
      const index_t dy = i % pitch - radius, dx = j % pitch - radius;
      if (dy * dy + dx * dx <= radius * radius)
        labels(i, j) = static_cast<std::int32_t>(1 + i / pitch * (width / pitch + 1) + j / pitch);
    }
  return labels;
}

inline annotation annotated(label_map labels) {
  annotation a;
  a.labels = std::move(labels);
  return a;
}

/// Logits that say the class in channel `from` of the target with certainty, in channels `to`..`to` + `classes` - 1.
inline void say_class(const tensor<float>& target, index_t from, tensor<float>& output, index_t to, int classes) {
  for (index_t p = 0; p < output.extent(0) * output.extent(1); ++p)
    for (int c = 0; c < classes; ++c)
      output[p * output.extent(2) + to + c] =
          static_cast<float>(c) == target[p * target.extent(2) + from] ? 6.0f : -6.0f;
}

/// The output [H,W,3] or [H,W,1+Rays] that fits a target perfectly.
inline tensor<float> perfect_borders(const tensor<float>& target) {
  tensor<float> output({target.extent(0), target.extent(1), 3});
  say_class(target, 0, output, 0, 3);
  return output;
}
inline tensor<float> perfect_stars(const tensor<float>& target) {
  tensor<float> output = target.clone();
  const index_t channels = output.extent(2);
  for (index_t p = 0; p < output.size(); p += channels) {
    const float probability = std::clamp(output[p], 1e-4f, 1 - 1e-4f);
    output[p] = std::log(probability / (1 - probability));
    for (index_t k = 1; k < channels; ++k) output[p + k] = output[p + k] > 0 ? std::log(output[p + k]) : 0.0f;
  }
  return output;
}

/// Labels are 1..N without gaps, as many as objects, and scores are probabilities.
inline bool is_consistent(const prediction& p) {
  std::vector<index_t> areas(p.objects.size() + 1, 0);
  for (const std::int32_t label : p.labels) {
    if (label < 0 || label > static_cast<std::int32_t>(p.objects.size())) return false;
    ++areas[static_cast<std::size_t>(label)];
  }
  for (std::size_t i = 1; i < areas.size(); ++i)
    if (areas[i] == 0 || !(p.objects[i - 1].score >= 0 && p.objects[i - 1].score <= 1)) return false;
  return true;
}

/// Worst error of the gradient of `policy.loss` for a random output [2,H,W,K] and this target twice, against central
/// differences in float64, relative to the largest derivative. Also checks that what was in the gradient does not
/// matter.
template <class Policy>
double loss_gradient_error(const Policy& policy, const tensor<float>& target) {
  context<cpu> ctx(1);
  const index_t height = target.extent(0), width = target.extent(1), channels = target.extent(2);
  tensor<float> targets({2, height, width, channels});
  std::copy(target.begin(), target.end(), targets.begin());
  std::copy(target.begin(), target.end(), targets.begin() + target.size());
  tensor<double> output({2, height, width, policy.output_channels()}), gradient(output.shape()), unused(output.shape());
  random_stream random(5);
  for (double& v : output) v = static_cast<double>(random.normal());
  gradient.fill(77);
  const auto loss = [&](tensor<double>& into) {
    return policy.template loss<double>(ctx, output.as_view(), targets.as_view(), into.as_view());
  };
  loss(gradient);
  std::vector<detail::checked_tensor> all{{output.as_view(), {gradient.begin(), gradient.end()}}};
  return detail::worst_gradient_error(all, 400, [&] { return loss(unused); });
}

}  // namespace aixcell::test
