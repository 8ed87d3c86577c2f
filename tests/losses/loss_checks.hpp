#pragma once
// A random problem for a loss, and what every loss must fulfil.
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include <aixcell/losses/loss.hpp>
#include "support/catch.hpp"

namespace aixcell {

/// Output [N,H,W,K] of which `channels` are looked at; target [N,H,W,T] with a channel nobody reads in front and the
/// weights behind.
struct loss_problem {
  tensor<double> output;
  tensor<float> target;
  channel_range channels;
  int target_channels = 1;
  int weight_channel = -1;

  template <class Real, class L>
  double run(const L& loss, const tensor<Real>& from, tensor<Real>& gradient, int threads = 1, Real scale = 1) const {
    context<cpu> ctx(threads);
    return loss(ctx, loss_arguments<Real>{.output = from,
                                          .channels = channels,
                                          .target = target,
                                          .target_channel = 1,
                                          .weight_channel = weight_channel,
                                          .gradient = gradient,
                                          .scale = scale});
  }
};

enum class target_kind { class_index, probability, any_number };

struct problem_options {
  shape size{2, 5, 7};  ///< [N,H,W]
  int channels = 3;
  target_kind kind = target_kind::class_index;
  float ignored = 0.2f;  ///< share of target values that are -1
  bool weights = true;   ///< of pixels, some 0
};

inline loss_problem random_problem(const problem_options& o, std::uint64_t seed) {
  random_stream random(seed);
  const index n = o.size[0], h = o.size[1], w = o.size[2];
  loss_problem p;
  p.channels = {2, o.channels};  // two channels before and one behind belong to others
  p.target_channels = o.kind == target_kind::class_index ? 1 : o.channels;
  p.output = tensor<double>({n, h, w, o.channels + 3});
  for (double& v : p.output) v = 1.5 * static_cast<double>(random.normal());
  const index all = p.target_channels + 2;
  p.target = tensor<float>({n, h, w, all});
  p.weight_channel = o.weights ? p.target_channels + 1 : -1;
  for (index i = 0; i < n * h * w; ++i) {
    float* t = p.target.data() + i * all;
    t[0] = 1e6f;
    for (int c = 1; c <= p.target_channels; ++c) {
      if (o.kind == target_kind::class_index) t[c] = static_cast<float>(random.below(std::max(2, o.channels)));
      if (o.kind == target_kind::probability) t[c] = random.uniform();
      if (o.kind == target_kind::any_number) t[c] = 2 * random.normal();
      if (random.chance(o.ignored)) t[c] = -1;
    }
    t[all - 1] = random.chance(0.2f) ? 0.0f : random.uniform(0.1f, 2.0f);
  }
  return p;
}

/// Gradient against central differences (float64, 1e-6), the float path (1e-3), scale, that gradients are added, that
/// other channels are left alone, and the same bits for any number of threads.
template <class L>
void check_loss(const L& loss, const loss_problem& p) {
  tensor<double> gradient(p.output.shape()), unused(p.output.shape());
  const double value = p.run(loss, p.output, gradient);
  REQUIRE(std::isfinite(value));

  tensor<double> moved = p.output.clone();
  std::vector<detail::checked_tensor> checked{{moved.as_view(), {gradient.begin(), gradient.end()}}};
  CHECK(detail::worst_gradient_error(checked, 150, [&] { return p.run(loss, moved, unused); }) <= 1e-6);

  double largest = 1e-12;
  const index width = p.output.extent(3);
  for (index i = 0; i < gradient.size(); ++i) {
    largest = std::max(largest, std::abs(gradient[i]));
    if (i % width < p.channels.first || i % width >= p.channels.first + p.channels.count) REQUIRE(gradient[i] == 0);
  }

  tensor<float> single(p.output.shape()), single_gradient(p.output.shape());
  for (index i = 0; i < single.size(); ++i) single[i] = static_cast<float>(p.output[i]);
  const double single_value = p.run(loss, single, single_gradient);
  CHECK(single_value == Approx(value).epsilon(1e-3));
  double worst = 0;
  for (index i = 0; i < gradient.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(single_gradient[i]) - gradient[i]) / largest);
  CHECK(worst <= 1e-3);

  for (const int threads : {2, 5}) {
    tensor<float> again(p.output.shape());
    CHECK(p.run(loss, single, again, threads) == single_value);
    CHECK(std::equal(again.begin(), again.end(), single_gradient.begin()));
  }

  tensor<double> twice(p.output.shape());
  twice.fill(0.25);
  CHECK(p.run(loss, p.output, twice, 1, 3.0) == Approx(3 * value).epsilon(1e-12));
  worst = 0;
  for (index i = 0; i < twice.size(); ++i) worst = std::max(worst, std::abs(twice[i] - 0.25 - 3 * gradient[i]));
  CHECK(worst <= 1e-12 * (1 + largest));
}

/// The same for odd sizes, with and without ignored pixels and weights.
template <class L>
void check_loss(const L& loss, int channels, target_kind kind) {
  std::uint64_t seed = 1;
  for (const shape& size : {shape{1, 1, 1}, shape{1, 1, 7}, shape{2, 5, 7}, shape{3, 41, 37}})
    for (const bool partly : {false, true})
      check_loss(
          loss,
          random_problem(
              {.size = size, .channels = channels, .kind = kind, .ignored = partly ? 0.3f : 0.0f, .weights = partly},
              seed++));
}

/// Nobody knows any pixel, or no pixel has weight: the loss is 0 and has no gradient. An empty batch likewise.
template <class L>
void check_nothing_counts(const L& loss, int channels, target_kind kind) {
  const auto is_nothing = [&](const loss_problem& p) {
    tensor<double> gradient(p.output.shape());
    CHECK(p.run(loss, p.output, gradient) == 0);
    CHECK(std::all_of(gradient.begin(), gradient.end(), [](double g) { return g == 0; }));
  };
  if (kind != target_kind::any_number)
    is_nothing(random_problem({.channels = channels, .kind = kind, .ignored = 1.0f, .weights = false}, 1));
  for (const float weight : {0.0f, -1.0f}) {  // below 0: nobody knows
    loss_problem p = random_problem({.channels = channels, .kind = kind}, 2);
    for (index i = p.weight_channel; i < p.target.size(); i += p.target.extent(3)) p.target[i] = weight;
    is_nothing(p);
  }
  is_nothing(random_problem({.size = {0, 4, 4}, .channels = channels, .kind = kind}, 3));
  // A pixel of negative weight counts as one of weight 0, whatever the others do.
  loss_problem zero = random_problem({.channels = channels, .kind = kind}, 4),
               below = random_problem({.channels = channels, .kind = kind}, 4);
  for (index i = 0; i < 9; ++i) {
    const index at = i * zero.target.extent(3) + zero.weight_channel;
    zero.target[at] = 0, below.target[at] = -1;
  }
  tensor<double> a(zero.output.shape()), b(zero.output.shape());
  CHECK(zero.run(loss, zero.output, a) == below.run(loss, below.output, b));
  CHECK(std::equal(a.begin(), a.end(), b.begin()));
}

/// Every argument of a wrong shape is refused before anything is written.
template <class L>
void check_shape_errors(const L& loss, int channels, target_kind kind) {
  context<cpu> ctx(1);
  const loss_problem p = random_problem({.channels = channels, .kind = kind}, 1);
  tensor<double> gradient(p.output.shape());
  const loss_arguments<double> good{
      .output = p.output, .channels = p.channels, .target = p.target, .target_channel = 1, .gradient = gradient};
  CHECK_NOTHROW(loss(ctx, good));
  gradient.fill(0);
  const auto refuses = [&](auto change) {
    loss_arguments<double> bad = good;
    change(bad);
    CHECK_THROWS_AS(loss(ctx, bad), shape_error);
  };
  const index k = p.output.extent(3), t = p.target.extent(3);
  tensor<double> narrow({2, 5, 6, k}), flat({70, k});
  tensor<float> short_target({2, 4, 7, t}), flat_target({70, t});
  refuses([&](auto& a) { a.gradient = narrow; });
  refuses([&](auto& a) { a.output = narrow, a.gradient = narrow; });
  refuses([&](auto& a) { a.output = flat, a.gradient = flat; });
  refuses([&](auto& a) { a.target = short_target; });
  refuses([&](auto& a) { a.target = flat_target; });
  refuses([&](auto& a) { a.channels.first = -1; });
  refuses([&](auto& a) { a.channels.first = 4; });
  refuses([&](auto& a) { a.channels.count = 0; });
  refuses([&](auto& a) { a.target_channel = -1; });
  refuses([&](auto& a) { a.target_channel = static_cast<int>(t); });
  refuses([&](auto& a) { a.weight_channel = static_cast<int>(t); });
  CHECK(std::all_of(gradient.begin(), gradient.end(), [](double g) { return g == 0; }));
}

/// Output [1,1,P,K] and target [1,1,P,T] written by hand; gradient and value of the loss.
struct by_hand {
  tensor<double> gradient;
  double value = 0;

  template <class L>
  by_hand(const L& loss, const std::vector<std::vector<double>>& output, const std::vector<std::vector<float>>& target,
          int weight_channel = -1)
      : gradient({1, 1, static_cast<index>(output.size()), static_cast<index>(output[0].size())}) {
    tensor<double> o(gradient.shape());
    tensor<float> t({1, 1, static_cast<index>(target.size()), static_cast<index>(target[0].size())});
    for (std::size_t p = 0; p < output.size(); ++p) {
      std::copy(output[p].begin(), output[p].end(), &o(0, 0, p, 0));
      std::copy(target[p].begin(), target[p].end(), &t(0, 0, p, 0));
    }
    context<cpu> ctx(1);
    value = loss(ctx, loss_arguments<double>{.output = o,
                                             .channels = {0, static_cast<int>(o.extent(3))},
                                             .target = t,
                                             .weight_channel = weight_channel,
                                             .gradient = gradient});
  }
};

}  // namespace aixcell
