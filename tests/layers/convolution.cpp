#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
TEST_CASE("convolution: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : odd_images)
    for (const convolution_options& o : {convolution_options{.inputs = 4, .outputs = 3},
                                         {.inputs = 4, .outputs = 5, .kernel = 1, .bias = false},
                                         {.inputs = 4, .outputs = 2, .kernel = 7, .stride = 2},
                                         {.inputs = 4, .outputs = 2, .kernel = 3, .stride = 2},
                                         {.inputs = 4, .outputs = 3, .dilation = 3},
                                         {.inputs = 4, .outputs = 6, .groups = 2},
                                         {.inputs = 4, .outputs = 4, .stride = 2, .groups = 4}}) {
      CAPTURE(to_string(x), o.kernel, o.stride, o.dilation, o.groups);
      random_stream random(1);
      convolution<cpu, double> layer(ctx, o, random);
      shake(layer);
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      convolution<cpu, float> single(ctx, o, random);
      CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

TEST_CASE("convolution: starts with variance 2 / fan-in and zero bias, the same for a seed", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1), same(1);
  const convolution_options o{.inputs = 32, .outputs = 64};
  const convolution<cpu, float> layer(ctx, o, random), again(ctx, o, same);
  double square = 0;
  for (const float w : layer.weight.value) square += w * w;
  CHECK(square / static_cast<double>(layer.weight.value.size()) == Approx(2.0 / (32 * 9)).epsilon(0.05));
  CHECK(std::equal(layer.weight.value.begin(), layer.weight.value.end(), again.weight.value.begin()));
  CHECK(layer.bias.value[5] == 0);
  CHECK(layer.weight.decays);
  CHECK_FALSE(layer.bias.decays);
}

TEST_CASE("convolution: the first layer gives no input gradient and frees its input", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  convolution<cpu, float> layer(ctx, {.inputs = 2, .outputs = 3, .input_gradient = false}, random);
  convolution<cpu, float>::saved kept;
  const auto y = layer.forward(ctx, random_tensor<float>({1, 3, 3, 2}, 1), &kept);
  CHECK(layer.backward(ctx, y, kept).empty());
  CHECK(kept.x.empty());
  CHECK_THROWS_AS(layer.forward(ctx, random_tensor<float>({1, 3, 3, 4}, 1), nullptr), shape_error);
}

}  // namespace aixcell
