#include <aixcell/layers/transposed_convolution.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
TEST_CASE("transposed_convolution: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : odd_images)
    for (const int kernel : {2, 3, 4}) {
      CAPTURE(to_string(x), kernel);
      random_stream random(1);
      const transposed_convolution_options o{.inputs = 4, .outputs = 3, .kernel = kernel};
      transposed_convolution<cpu, double> layer(ctx, o, random);
      shake(layer);
      CHECK(layer.forward(ctx, random_tensor(x, 2), nullptr).shape() == shape{x[0], 2 * x[1], 2 * x[2], 3});
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      transposed_convolution<cpu, float> single(ctx, o, random);
      CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

TEST_CASE("transposed_convolution: a kernel of 2 paints its filter, scaled by the pixel", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  transposed_convolution<cpu, float> layer(ctx, {.inputs = 1, .outputs = 1}, random);
  layer.bias.value[0] = 1;
  tensor<float> x({1, 1, 2, 1});
  x[0] = 2, x[1] = -1;
  const auto y = layer.forward(ctx, x, nullptr);
  const auto& w = layer.weight.value;
  CHECK(y(0, 0, 0, 0) == 1 + 2 * w[0]);
  CHECK(y(0, 1, 1, 0) == 1 + 2 * w[3]);
  CHECK(y(0, 1, 2, 0) == 1 - w[2]);
}

}  // namespace aixcell
