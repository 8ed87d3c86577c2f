#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/losses/loss.hpp>

namespace loss_check {

using namespace aixcell;

/// One call of a loss, with its own memory.
struct arrangement {
  tensor<double> output;
  tensor<float> target;
  channel_range channels = {};
  int target_channel = 0;
  int weight_channel = -1;
  double scale = 1;
};

template <class Real>
struct answer {
  double loss;
  std::vector<Real> gradient;
};

/// The loss and its gradient; `before` is what every gradient holds already.
template <class Real = double, class L>
answer<Real> evaluate(context<cpu>& ctx, const L& loss, const arrangement& a, Real before = 0) {
  tensor<Real> output(a.output.shape()), gradient(a.output.shape());
  for (index_t i = 0; i < output.size(); ++i) output[i] = static_cast<Real>(a.output[i]);
  gradient.fill(before);
  const double value = loss(ctx, loss_arguments<Real>{.output = output,
                                                      .channels = a.channels,
                                                      .target = a.target,
                                                      .target_channel = a.target_channel,
                                                      .weight_channel = a.weight_channel,
                                                      .gradient = gradient,
                                                      .scale = static_cast<Real>(a.scale)});
  return {value, {gradient.begin(), gradient.end()}};
}
template <class Real = double, class L>
answer<Real> evaluate(const L& loss, const arrangement& a, int threads = 1, Real before = 0) {
  context<cpu> ctx(threads);
  return evaluate<Real>(ctx, loss, a, before);
}

inline double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double v : values) most = std::max(most, std::abs(v));
  return most;
}

/// Worst difference of the float64 gradient from central differences over every value of the output, relative to the
/// largest gradient.
template <class L>
double gradient_error(const L& loss, arrangement a, double step = 1e-5) {
  context<cpu> ctx(1);  // one for all: a context's memory costs more than such a loss, under a sanitizer a thousand times more
  const answer<double> found = evaluate(ctx, loss, a);
  double worst = 0;
  for (index_t i = 0; i < a.output.size(); ++i) {
    const double at = a.output[i];
    a.output[i] = at + step;
    const double above = evaluate(ctx, loss, a).loss;
    a.output[i] = at - step;
    const double slope = (above - evaluate(ctx, loss, a).loss) / (2 * step);
    a.output[i] = at;
    const double error = std::abs(slope - found.gradient[static_cast<std::size_t>(i)]);
    if (std::isnan(error)) return error;
    worst = std::max(worst, error);
  }
  return worst / std::max(largest(found.gradient), 1e-12);
}

/// Worst difference of the float32 gradient from the float64 one, relative to its largest.
template <class L>
double float_error(const L& loss, arrangement a) {
  for (double& v : a.output) v = static_cast<double>(static_cast<float>(v));  // both start from the same logits
  const answer<double> exact = evaluate<double>(loss, a);
  const answer<float> found = evaluate<float>(loss, a);
  double worst = std::abs(found.loss - exact.loss) / std::max(std::abs(exact.loss), 1e-12);
  for (std::size_t i = 0; i < exact.gradient.size(); ++i) {
    const double error = std::abs(static_cast<double>(found.gradient[i]) - exact.gradient[i]);
    if (!(error <= worst * largest(exact.gradient))) worst = error / largest(exact.gradient);
  }
  return worst;
}

/// Whether one and three threads, on a map of several ranges of pixels, give the same bits.
template <class L>
bool same_for_any_threads(const L& loss, const arrangement& a) {
  const auto one = evaluate<float>(loss, a, 1), three = evaluate<float>(loss, a, 3);
  return one.loss == three.loss && one.gradient == three.gradient;
}

inline tensor<double> random_logits(const shape& s, std::uint64_t seed) {
  random_stream random(seed);
  tensor<double> t(s);
  for (double& v : t) v = static_cast<double>(random.normal(0, 2));
  return t;
}

/// [N,H,W,2]: a class index with every fifth pixel unknown, and a weight in [0,2) with some zeros and some below.
inline tensor<float> random_classes(const shape& output, int classes, std::uint64_t seed) {
  random_stream random(seed, 7);
  tensor<float> t({output[0], output[1], output[2], 2});
  for (index_t i = 0; i < t.size(); i += 2) {
    t[i] = random.chance(0.2f) ? -1.0f : static_cast<float>(random.below(classes));
    const float w = random.uniform(-0.3f, 2.0f);
    t[i + 1] = w;
  }
  return t;
}

/// [N,H,W,channels+1] in [0,1], some unknown; the last channel is a weight.
inline tensor<float> random_probabilities(const shape& output, int channels, std::uint64_t seed) {
  random_stream random(seed, 8);
  tensor<float> t({output[0], output[1], output[2], channels + 1});
  for (float& v : t) v = random.chance(0.15f) ? -1.0f : random.uniform();
  return t;
}

/// Probabilities of the channels at one pixel, by the definition.
inline std::vector<double> plain_softmax(const arrangement& a, index_t pixel) {
  const index_t k = a.output.extent(3);
  std::vector<double> p;
  double sum = 0;
  for (int c = 0; c < a.channels.count; ++c) {
    p.push_back(std::exp(a.output[pixel * k + a.channels.first + c]));
    sum += p.back();
  }
  for (double& v : p) v /= sum;
  return p;
}
inline double plain_weight(const arrangement& a, index_t pixel) {
  if (a.weight_channel < 0) return 1;
  return std::max(0.0, static_cast<double>(a.target[pixel * a.target.extent(3) + a.weight_channel]));
}
inline double plain_target(const arrangement& a, index_t pixel, int channel = 0) {
  return static_cast<double>(a.target[pixel * a.target.extent(3) + a.target_channel + channel]);
}
inline index_t pixels_of(const arrangement& a) { return a.target.size() / a.target.extent(3); }

/// Small maps of odd sizes; the middle one has channels that the loss is not about.
struct placed {
  shape output;
  channel_range channels = {};
};
inline std::vector<placed> placements(int channels) {
  return {{{1, 1, 1, channels}, {0, channels}},
          {{2, 3, 5, channels + 3}, {2, channels}},
          {{1, 1, 7, channels}, {0, channels}},
          {{3, 5, 2, channels + 1}, {1, channels}}};
}

}  // namespace loss_check
