#include <aixcell/layers/linear.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include <aixcell/layers/patch_convolution.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("linear: every pixel's channels times a matrix", "[layers]") {
  context<cpu> ctx(2);
  random_stream random(1);
  linear<cpu, double> layer(ctx, {3, 5}, random);
  shake(layer);
  for (const shape& extents : {shape{1, 1, 1, 5}, shape{2, 3, 2, 5}}) {
    const auto x = random_tensor(extents, 2);
    const auto y = layer.forward(ctx, x, nullptr);
    REQUIRE(y.shape() == shape{extents[0], extents[1], extents[2], 3});
    for (index_t pixel = 0; pixel < y.size() / 3; ++pixel)
      for (index_t k = 0; k < 3; ++k) {
        double sum = layer.bias.value[k];
        for (index_t c = 0; c < 5; ++c) sum += layer.weight.value(k, c) * x[pixel * 5 + c];
        CHECK(y[pixel * 3 + k] == Approx(sum));
      }
    CHECK(gradient_check(ctx, layer, x) < 1e-6);
  }
  CHECK_THROWS_AS(layer.forward(ctx, random_tensor({1, 2, 2, 4}, 1), nullptr), shape_error);
  CHECK_THROWS_AS(layer.forward(ctx, random_tensor({2, 5}, 1), nullptr), shape_error);
}

TEST_CASE("patch convolution: a filter [K,S,S,C] on squares that do not overlap", "[layers]") {
  context<cpu> ctx(2);
  random_stream random(1);
  patch_convolution<cpu, double> layer(ctx, {.inputs = 3, .outputs = 4, .size = 2}, random);
  shake(layer);
  const auto& filter = layer.map.weight.value;
  REQUIRE(filter.shape() == shape{4, 2, 2, 3});
  const auto x = random_tensor({1, 3, 5, 3}, 2);
  const auto y = layer.forward(ctx, x, nullptr);
  REQUIRE(y.shape() == shape{1, 2, 3, 4});
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 3; ++j)
      for (index_t k = 0; k < 4; ++k) {
        double sum = layer.map.bias.value[k];
        for (index_t r = 0; r < 2; ++r)
          for (index_t s = 0; s < 2; ++s)
            for (index_t c = 0; c < 3; ++c)
              if (2 * i + r < 3 && 2 * j + s < 5) sum += filter(k, r, s, c) * x(0, 2 * i + r, 2 * j + s, c);
        CHECK(y(0, i, j, k) == Approx(sum));
      }
  CHECK(gradient_check(ctx, layer, x) < 1e-6);
}

}  // namespace aixcell
