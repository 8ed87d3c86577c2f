#pragma once
#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/kernels/gpu/of_layers.hpp>
#include "device_under_test.hpp"
#include "layers/random_tensor.hpp"

namespace aixcell {

// One layer twice, on the processor and on the device, from one seed: same parameters to the bit, results that agree.

/// How far apart two results are. In float32: the largest difference, relative to the largest value. In bfloat16 both sides
/// round every result, and a value next to the kink of a ReLU falls on either side of it: there the root of the mean square
/// counts.
template <class Real, class A, class B>
double difference_of(const tensor<A>& found, const tensor<B>& expected, double at_least = 1e-12) {
  require_shape("difference_of", expected.shape(), found.shape());
  double worst = 0, largest = at_least, squares = 0, of_expected = at_least * at_least;
  for (index_t i = 0; i < found.size(); ++i) {
    const auto e = static_cast<double>(expected[i]), d = static_cast<double>(found[i]) - e;
    if (!(std::abs(d) <= worst)) worst = std::abs(d);
    largest = std::max(largest, std::abs(e));
    squares += d * d;
    of_expected += e * e;
  }
  return std::is_same_v<Real, bfloat16> ? std::sqrt(squares / of_expected) : worst / largest;
}
struct twin_tolerance {
  double in_float = 1e-5, in_bfloat16 = 3e-2;
};
/// One value in some hundred falls on the other side of the kink, and a gradient with it.
inline constexpr twin_tolerance of_rectified{1e-4, 0.15};

/// Values of all parameters, gradients and buffers of a layer by their names, on the host.
template <class Layer, class Read>
std::map<std::string, tensor<float>> stored_values(Layer& layer, bool gradients, Read&& read) {
  std::map<std::string, tensor<float>> all;
  for_each_parameter(layer, [&](std::string_view name, auto& p) {
    all.emplace(std::string(name), read(gradients ? p.gradient : p.value));
  });
  for_each_buffer(layer, [&](std::string_view name, auto& b) { all.emplace(std::string(name), read(b.value)); });
  return all;
}

/// The worst of all tensors. One of nothing but rounding, as the gradient of a bias before a normalisation, is compared with
/// the largest of all.
template <class Real>
double worst_difference(const std::map<std::string, tensor<float>>& found,
                        const std::map<std::string, tensor<float>>& expected) {
  double worst = 0, of_all = 1e-12;
  for (const auto& [name, values] : expected)
    for (const float v : values) of_all = std::max(of_all, std::abs(static_cast<double>(v)));
  const double at_least = (std::is_same_v<Real, bfloat16> ? 0.3 : 1e-3) * of_all;
  for (const auto& [name, values] : expected) {
    const double here = difference_of<Real>(found.at(name), values, at_least);
    if (!(here <= worst)) worst = here;
  }
  return worst;
}

/// `make(ctx, real, random)` makes the layer of the context's device that stores values like `real`; `x` is its input.
/// Checks first values, output, gradient of the input, gradients of parameters and statistics after a training pass, and
/// the output of inference.
template <class Real, class Make>
void check_twins(context<device_under_test>& ctx, const shape& input, Make&& make,
                 const twin_tolerance& allowed = {}) {
  CAPTURE(to_string(input));
  const double tolerance = std::is_same_v<Real, bfloat16> ? allowed.in_bfloat16 : allowed.in_float;
  context<cpu> host(1);
  random_stream here(5), there(5);
  auto reference = make(host, Real(0), here);
  auto layer = make(ctx, Real(0), there);
  using layer_saved = typename decltype(layer)::saved;
  using reference_saved = typename decltype(reference)::saved;
  const auto from_device = [&](const auto& t) { return to_host(ctx, t); };
  const auto from_host = [](const auto& t) { return t.clone(); };
  const auto same_first_values = [&](bool gradients) {
    const auto a = stored_values(layer, gradients, from_device), b = stored_values(reference, gradients, from_host);
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& l, const auto& r) {
             return l.first == r.first && std::equal(l.second.begin(), l.second.end(), r.second.begin());
           });
  };
  CHECK(same_first_values(false));
  CHECK(same_first_values(true));

  const auto x = random_tensor<Real>(input, 17);
  reference_saved kept_here;
  layer_saved kept_there;
  const auto on = to_device(ctx, x);
  const auto y = reference.forward(host, x, &kept_here);
  const auto found = layer.forward(ctx, on, &kept_there);
  CHECK(difference_of<Real>(to_host(ctx, found), y) <= tolerance);

  const auto dy = random_tensor<Real>(y.shape(), 23);
  const auto dx = reference.backward(host, dy.clone(), kept_here);
  const auto found_dx = layer.backward(ctx, to_device(ctx, dy), kept_there);
  if (!dx.empty()) CHECK(difference_of<Real>(to_host(ctx, found_dx), dx) <= tolerance);
  CHECK(worst_difference<Real>(stored_values(layer, true, from_device), stored_values(reference, true, from_host)) <=
        tolerance);

  CHECK(difference_of<Real>(to_host(ctx, layer.forward(ctx, on, nullptr)), reference.forward(host, x, nullptr)) <=
        tolerance);
}

/// The device of a context that is only known by its type.
template <class Context>
using device_of = typename std::remove_cvref_t<Context>::device;

}  // namespace aixcell
