#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/layers/visit.hpp>

namespace aixcell {

struct gradient_check_options {
  index_t values_per_tensor = 40;  ///< checked, spread evenly over each parameter and the input; all if there are fewer
  std::uint64_t seed = 0;          ///< of the random direction in which the output is weighed
  bool input = true;               ///< also check the gradient of the input
};

namespace detail {

/// Where values and their analytic gradients lie.
struct checked_tensor {
  view<double, cpu> values;
  std::vector<double> gradient;
};

/// Central difference of `loss` in one value. A kink of ReLU or of a maximum between the two points spoils it, so that
/// several steps are tried and the one that agrees best with `expected` counts: a wrong gradient agrees with none.
template <class Loss>
double central_difference(double& value, double expected, Loss&& loss) {
  const double at = value;
  double best = HUGE_VAL;
  for (const double step : std::array{1e-5, 1e-6, 1e-4, 1e-7}) {
    value = at + step;
    const double above = loss();
    value = at - step;
    const double slope = (above - loss()) / (2 * step);
    value = at;
    if (!(std::abs(slope - expected) >= std::abs(best - expected))) best = slope;
    if (std::abs(best - expected) <= 1e-8 * (std::abs(expected) + 1e-3)) break;
  }
  return best;
}

/// Worst difference, relative to the largest gradient of the tensor (at least a thousandth of the largest of all).
template <class Loss>
double worst_gradient_error(std::vector<checked_tensor>& tensors, index_t values_per_tensor, Loss&& loss) {
  const auto largest = [](const std::vector<double>& g) {
    double most = 0;
    for (const double v : g) most = std::max(most, std::abs(v));
    return most;
  };
  double of_all = 0, worst = 0;
  for (const checked_tensor& t : tensors) of_all = std::max(of_all, largest(t.gradient));
  for (checked_tensor& t : tensors) {
    const double magnitude = std::max({largest(t.gradient), 1e-3 * of_all, 1e-12});
    const index_t count = std::min(t.values.size(), values_per_tensor);
    for (index_t k = 0; k < count; ++k) {
      const index_t i = k * t.values.size() / count;
      const double expected = t.gradient[static_cast<std::size_t>(i)];
      const double error = std::abs(central_difference(t.values.data()[i], expected, loss) - expected) / magnitude;
      if (!(error <= worst)) worst = error;  // NaN is the worst of all
    }
  }
  return worst;
}

}  // namespace detail

/// Compares the backward pass of a float64 layer with central differences: of the sum of its outputs under random
/// weights, with respect to the input [N,H,W,C] and to every parameter. Returns the worst relative error; a correct
/// layer stays below 1e-6. The layer has `forward(ctx, x, saved*)`, `backward(ctx, dy, saved&)` (which may return
/// nothing if `options.input` is false) and `for_each_member`. Time: some 100 forward passes per tensor.
///
///     random_stream random(1);
///     my_layer<cpu, double> layer(ctx, {...}, random);
///     assert(gradient_check(ctx, layer, x) < 1e-6);
template <class Layer>
double gradient_check(context<cpu>& ctx, Layer& layer, tensor<double> x, const gradient_check_options& options = {}) {
  x = x.clone();
  typename Layer::saved kept;
  const auto y = layer.forward(ctx, x, &kept);
  random_stream random(options.seed, 0x636865636B);  // "check"
  tensor<double> weights(y.shape());
  for (double& w : weights) w = static_cast<double>(random.normal());

  clear_gradients(layer);
  std::vector<detail::checked_tensor> tensors;
  if constexpr (std::is_void_v<decltype(layer.backward(ctx, weights.clone(), kept))>) {
    layer.backward(ctx, weights.clone(), kept);
  } else {
    const tensor<double> dx = layer.backward(ctx, weights.clone(), kept);
    if (options.input) {
      require_shape("gradient_check: the gradient of the input", x.shape(), dx.shape());
      tensors.push_back({x, {dx.begin(), dx.end()}});
    }
  }
  for_each_parameter(layer, [&](std::string_view, auto& p) {
    tensors.push_back({p.value, {p.gradient.begin(), p.gradient.end()}});
  });
  return detail::worst_gradient_error(tensors, options.values_per_tensor, [&] {
    typename Layer::saved unused;
    const auto again = layer.forward(ctx, x, &unused);
    double sum = 0;
    for (index_t i = 0; i < again.size(); ++i) sum += weights[i] * again[i];
    return sum;
  });
}

}  // namespace aixcell
