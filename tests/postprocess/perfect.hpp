#pragma once
// For every representation of objects, the output that fits a target perfectly, and objects that are hard to represent.
#include <string_view>

#include <aixcell/postprocess/connected_foreground.hpp>
#include <aixcell/postprocess/distance_watershed.hpp>
#include <aixcell/postprocess/flow_field.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/refined_star_convex.hpp>
#include <aixcell/postprocess/star_convex.hpp>

#include "postprocess/objects.hpp"

namespace aixcell::test {

/// Logits of the probabilities in one channel.
inline void say_probability(const tensor<float>& target, index_t from, tensor<float>& output, index_t to) {
  for (index_t p = 0; p < output.extent(0) * output.extent(1); ++p) {
    const float probability = std::clamp(target[p * target.extent(2) + from], 1e-4f, 1 - 1e-4f);
    output[p * output.extent(2) + to] = std::log(probability / (1 - probability));
  }
}

inline tensor<float> perfect(const connected_foreground&, const tensor<float>& target) {
  tensor<float> output(target.shape());
  say_probability(target, 0, output, 0);
  return output;
}
inline tensor<float> perfect(const interior_border&, const tensor<float>& target) { return perfect_borders(target); }
template <int Rays>
tensor<float> perfect(const star_convex<Rays>&, const tensor<float>& target) {
  return perfect_stars(target);
}
template <int Rays>
tensor<float> perfect(const refined_star_convex<Rays>&, const tensor<float>& target) {
  tensor<float> output = perfect_stars(target);
  say_probability(target, Rays + 1, output, Rays + 1);
  return output;
}
inline tensor<float> perfect(const distance_watershed&, const tensor<float>& target) {
  tensor<float> output(target.shape());
  for (index_t c = 0; c < 2; ++c) say_probability(target, c, output, c);
  return output;
}
inline tensor<float> perfect(const flow_field&, const tensor<float>& target) {
  tensor<float> output({target.extent(0), target.extent(1), 3});
  say_probability(target, 0, output, 0);
  for (index_t p = 0; p < target.extent(0) * target.extent(1); ++p)
    for (index_t c = 1; c < 3; ++c) output[3 * p + c] = target[4 * p + c + 1];
  return output;
}

/// Noise of a channel beside that of a logit: logarithms of distances are learned to a few parts in a hundred.
template <class Policy>
float noise_scale(const Policy&, index_t) {
  return 1;
}
template <int Rays>
float noise_scale(const star_convex<Rays>&, index_t channel) {
  return channel >= 1 && channel <= Rays ? 0.1f : 1.0f;
}
template <int Rays>
float noise_scale(const refined_star_convex<Rays>& policy, index_t channel) {
  return noise_scale(policy.polygons, channel);
}

/// A scene from a drawing: digits are labels, `.` background, `?` unknown.
inline label_map drawn(std::initializer_list<const char*> rows) {
  label_map labels({static_cast<index_t>(rows.size()), static_cast<index_t>(std::string_view(*rows.begin()).size())});
  index_t p = 0;
  for (const char* row : rows)
    for (; *row; ++row) labels[p++] = *row == '.' ? 0 : *row == '?' ? ignored_label : *row - '0';
  return labels;
}

/// A moon of three quarters of a ring: no point of it sees all of it.
inline label_map crescent() {
  label_map labels({48, 48});
  for (index_t i = 0; i < 48; ++i)
    for (index_t j = 0; j < 48; ++j) {
      const index_t dy = i - 24, dx = j - 24, r = dy * dy + dx * dx;
      labels(i, j) = r <= 20 * 20 && r >= 11 * 11 && !(dx > 0 && std::abs(dy) < 8);
    }
  return labels;
}

}  // namespace aixcell::test
