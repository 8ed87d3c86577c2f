#include <aixcell/layers/layer_scale.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("layer_scale: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{1, 1, 1, 1}, shape{2, 5, 7, 3}, shape{3, 4, 3, 33}}) {
    CAPTURE(to_string(x));
    layer_scale<cpu, double> layer(ctx, static_cast<int>(x[3]));
    shake(layer);
    CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
    layer_scale<cpu, float> single(ctx, static_cast<int>(x[3]));
    CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
  }
}

TEST_CASE("layer_scale: every channel has its factor, small at first", "[layers]") {
  context<cpu> ctx(1);
  layer_scale<cpu, double> layer(ctx, 3, 0.25);
  for (const double f : layer.factor.value) CHECK(f == 0.25);
  layer.factor.value[1] = -2;
  const auto x = random_tensor({2, 2, 3, 3}, 1), y = layer.forward(ctx, x, nullptr);
  for (index_t i = 0; i < x.size(); ++i) CHECK(y[i] == Approx(x[i] * (i % 3 == 1 ? -2 : 0.25)));
}

}  // namespace aixcell
