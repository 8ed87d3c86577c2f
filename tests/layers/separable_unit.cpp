#include <aixcell/layers/separable_unit.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("separable_unit: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{2, 5, 7, 4}, shape{3, 4, 3, 4}})
    for (const int dilation : {1, 3}) {
      CAPTURE(to_string(x), dilation);
      random_stream random(1);
      separable_unit<cpu, double> layer(ctx, {.inputs = 4, .outputs = 3, .dilation = dilation}, random);
      shake(layer);
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      separable_unit<cpu, float> single(ctx, {.inputs = 4, .outputs = 3, .dilation = dilation}, random);
      CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

TEST_CASE("separable_unit: the first convolution sees each channel alone", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  const separable_unit<cpu, double> layer(ctx, {.inputs = 4, .outputs = 3, .dilation = 2}, random);
  CHECK(layer.depthwise.weight.value.shape() == shape{4, 3, 3, 1});
  CHECK(layer.depthwise.bias.value.empty());
  auto x = random_tensor({1, 6, 6, 4}, 1);
  const auto y = layer.depthwise.forward(ctx, x, nullptr);
  for (index_t p = 0; p < 36; ++p) x[4 * p + 2] += 1;
  const auto z = layer.depthwise.forward(ctx, x, nullptr);
  for (index_t i = 0; i < y.size(); ++i)
    if (i % 4 != 2) CHECK(z[i] == y[i]);
}

}  // namespace aixcell
