#include <aixcell/layers/linear.hpp>
#include <aixcell/layers/gradient_check.hpp>
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
    linear<cpu, float> single(ctx, {3, 5}, random);
    CHECK(float_path_difference(ctx, single, layer, extents) < 1e-3);
  }
  CHECK_THROWS_AS(layer.forward(ctx, random_tensor({1, 2, 2, 4}, 1), nullptr), shape_error);
  CHECK_THROWS_AS(layer.forward(ctx, random_tensor({2, 5}, 1), nullptr), shape_error);
}

}  // namespace aixcell
