#include <aixcell/layers/patch_convolution.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("patch_convolution: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{1, 1, 1, 2}, shape{2, 5, 7, 2}, shape{1, 8, 4, 2}})
    for (const int size : {2, 4}) {
      CAPTURE(to_string(x), size);
      random_stream random(1);
      patch_convolution<cpu, double> layer(ctx, {.inputs = 2, .outputs = 3, .size = size}, random);
      shake(layer);
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      patch_convolution<cpu, float> single(ctx, {.inputs = 2, .outputs = 3, .size = size}, random);
      CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

TEST_CASE("patch_convolution: a convolution whose stride is its size", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  patch_convolution<cpu, double> layer(ctx, {.inputs = 2, .outputs = 3, .size = 2}, random);
  shake(layer);
  const auto x = random_tensor({2, 5, 6, 2}, 1), y = layer.forward(ctx, x, nullptr);
  REQUIRE(y.shape() == shape{2, 3, 3, 3});
  const auto filter = layer.map.weight.value;
  for (index_t n = 0; n < 2; ++n)
    for (index_t i = 0; i < 3; ++i)
      for (index_t j = 0; j < 3; ++j)
        for (index_t k = 0; k < 3; ++k) {
          double sum = layer.map.bias.value[k];
          for (index_t r = 0; r < 2; ++r)
            for (index_t s = 0; s < 2; ++s)
              for (index_t c = 0; c < 2; ++c)
                if (2 * i + r < 5 && 2 * j + s < 6) sum += filter(k, r, s, c) * x(n, 2 * i + r, 2 * j + s, c);
          CHECK(y(n, i, j, k) == Approx(sum));
        }
}

TEST_CASE("patch_convolution: the first layer of a network has no gradient of its input", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  patch_convolution<cpu, float> layer(ctx, {.inputs = 1, .outputs = 2, .size = 4, .input_gradient = false}, random);
  patch_convolution<cpu, float>::saved kept;
  const auto y = layer.forward(ctx, random_tensor<float>({1, 8, 8, 1}, 1), &kept);
  CHECK(layer.backward(ctx, y, kept).empty());
}

}  // namespace aixcell
