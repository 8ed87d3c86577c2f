#include <aixcell/layers/group_norm.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
TEST_CASE("group_norm: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : odd_images)
    for (const int groups : {1, 2}) {  // 1: layer normalisation
      CAPTURE(to_string(x), groups);
      random_stream random(1);
      group_norm<cpu, double> layer(ctx, {.channels = 4, .groups = groups}, random);
      shake(layer);
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      group_norm<cpu, float> single(ctx, {.channels = 4, .groups = groups}, random);
      if (x[1] > 1)  // a group of two values loses every digit in float
        CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

TEST_CASE("group_norm: each group of each image gets mean 0 and variance 1", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  const group_norm<cpu, double> layer(ctx, {.channels = 6, .groups = 2}, random);
  auto x = random_tensor({2, 3, 5, 6}, 3);
  for (double& v : x) v = 7 + 3 * v;
  const auto y = layer.forward(ctx, x, nullptr);
  for (index_t n = 0; n < 2; ++n)
    for (index_t g = 0; g < 2; ++g) {
      double sum = 0, square = 0;
      for (index_t p = 0; p < 15; ++p)
        for (index_t c = 3 * g; c < 3 * g + 3; ++c) {
          const double v = y[(n * 15 + p) * 6 + c];
          sum += v;
          square += v * v;
        }
      CHECK(sum / 45 == Approx(0).margin(1e-9));
      CHECK(square / 45 == Approx(1).epsilon(1e-4));
    }
  CHECK_THROWS_AS((group_norm<cpu, float>(ctx, {.channels = 6, .groups = 4}, random)), shape_error);
}

}  // namespace aixcell
