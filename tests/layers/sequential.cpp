#include <aixcell/layers/sequential.hpp>
#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/batch_norm.hpp>
#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include <aixcell/layers/pooling.hpp>
#include <aixcell/layers/residual.hpp>
#include <aixcell/layers/up_sampling.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

template <class Real>
auto small_network(context<cpu>& ctx, random_stream& random) {
  using block = sequential<convolution<cpu, Real>, batch_norm<cpu, Real>, activation_layer<cpu, Real>>;
  return sequential(
      convolution<cpu, Real>(ctx, {.inputs = 2, .outputs = 4}, random),
      residual<block>{block{convolution<cpu, Real>(ctx, {.inputs = 4, .outputs = 4, .bias = false}, random),
                            batch_norm<cpu, Real>(ctx, {.channels = 4}, random),
                            {activation::silu}}},
      max_pooling<cpu, Real>{}, average_pooling<cpu, Real>{{.window = 3, .stride = 1, .padding = 1}},
      up_sampling<cpu, Real>{interpolation::bilinear, 3});
}

}  // namespace

TEST_CASE("sequential and residual: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{1, 3, 5, 2}, shape{3, 6, 7, 2}}) {
    CAPTURE(to_string(x));
    random_stream random(1);
    auto layer = small_network<double>(ctx, random);
    shake(layer);
    CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
    auto single = small_network<float>(ctx, random);
    CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
  }
}

TEST_CASE("sequential: names are positions", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  const auto layer = small_network<float>(ctx, random);
  std::vector<std::string> names;
  for_each_parameter(layer, [&](std::string_view name, const auto&) { names.emplace_back(name); });
  for_each_buffer(layer, [&](std::string_view name, const auto&) { names.emplace_back(name); });
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "1.body.0.weight", "1.body.1.weight", "1.body.1.bias",
                                          "1.body.1.running_mean", "1.body.1.running_var"});
}

}  // namespace aixcell
