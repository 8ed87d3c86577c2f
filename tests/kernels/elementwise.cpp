#include <aixcell/kernels/cpu/elementwise.hpp>
#include "layers/random_tensor.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEMPLATE_TEST_CASE("accumulate, apply_activation and activation_backward equal plain loops", "[kernels][cpu]", float,
                   double) {
  using Real = TestType;
  context<cpu> ctx(2);
  for (const shape& s : {shape{1}, shape{2, 5, 7, 3}, shape{100'003}}) {
    auto x = random_tensor<Real>(s, 1);
    for (Real& v : x) v *= 4;  // beyond both ends of relu6
    const auto dy = random_tensor<Real>(s, 2);
    auto sum = dy.clone();
    accumulate<Real>(ctx, x, sum);
    for (index_t i = 0; i < x.size(); ++i) REQUIRE(sum[i] == x[i] + dy[i]);
    for (const activation act : reference::every_activation) {
      tensor<Real> y(s), dx(s);
      tensor<double> expected(s), dexpected(s);
      apply_activation<Real>(ctx, x, act, y);
      activation_backward<Real>(ctx, dy, x, act, dx);
      for (index_t i = 0; i < x.size(); ++i) {
        const auto [value, slope] = reference::activated(act, x[i]);
        expected[i] = value;
        dexpected[i] = dy[i] * slope;
      }
      CHECK(relative_difference(y, expected) < 1e-6);
      CHECK(relative_difference(dx, dexpected) < 1e-6);
    }
  }
}

TEST_CASE("activations pass NaN on", "[kernels]") {
  for (const activation act : reference::every_activation) CHECK(std::isnan(activate(act, std::nanf(""))));
}

}  // namespace aixcell
