#include <aixcell/kernels/cpu/elementwise.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEMPLATE_TEST_CASE("accumulate, apply_activation and activation_backward equal plain loops", "[kernels][cpu]", float,
                   double) {
  using Real = TestType;
  context<cpu> ctx(2);
  for (const shape& s : {shape{1}, shape{2, 5, 7, 3}, shape{100'003}}) {
    const auto x = random_tensor<Real>(s, 1), dy = random_tensor<Real>(s, 2);
    auto sum = dy.clone();
    accumulate<Real>(ctx, x, sum);
    for (index i = 0; i < x.size(); ++i) REQUIRE(sum[i] == x[i] + dy[i]);
    for (const activation act : {activation::none, activation::relu, activation::leaky_relu, activation::silu}) {
      tensor<Real> y(s), dx(s);
      tensor<double> expected(s), dexpected(s);
      apply_activation<Real>(ctx, x, act, y);
      activation_backward<Real>(ctx, dy, x, act, dx);
      for (index i = 0; i < x.size(); ++i) {
        const double z = x[i];
        const double sigmoid = 1 / (1 + std::exp(-z)), slope = z > 0 ? 1 : act == activation::relu ? 0 : 0.01;
        const bool bent = act == activation::relu || act == activation::leaky_relu;
        expected[i] = act == activation::none ? z : bent ? slope * z : z * sigmoid;
        dexpected[i] = dy[i] * (act == activation::none ? 1 : bent ? slope : sigmoid * (1 + z * (1 - sigmoid)));
      }
      CHECK(relative_difference(y, expected) < 1e-6);
      CHECK(relative_difference(dx, dexpected) < 1e-6);
    }
  }
}

TEST_CASE("activations pass NaN on", "[kernels]") {
  for (const activation act : {activation::none, activation::relu, activation::leaky_relu, activation::silu})
    CHECK(std::isnan(activate(act, std::nanf(""))));
}

}  // namespace aixcell
