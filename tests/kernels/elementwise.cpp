#include <aixcell/kernels/cpu/elementwise.hpp>
#include "layers/random_tensor.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEMPLATE_TEST_CASE("accumulate, apply_activation and activation_backward equal plain loops", "[kernels][cpu]", float,
                   double, bfloat16) {
  using Real = TestType;
  context<cpu> ctx(2);
  for (const shape& s : {shape{1}, shape{2, 5, 7, 3}, shape{100'003}}) {
    auto x = random_tensor<Real>(s, 1);
    for (Real& v : x) v = static_cast<Real>(4 * v);  // beyond both ends of relu6
    const auto dy = random_tensor<Real>(s, 2);
    auto sum = dy.clone();
    accumulate<Real>(ctx, x, sum);
    for (index_t i = 0; i < x.size(); ++i) REQUIRE(sum[i] == static_cast<Real>(x[i] + dy[i]));
    for (const activation act : reference::every_activation) {
      tensor<Real> y(s), dx(s);
      tensor<double> expected(s), dexpected(s);
      apply_activation<Real>(ctx, x, act, y);
      activation_backward<Real>(ctx, dy, x, act, dx);
      for (index_t i = 0; i < x.size(); ++i) {
        const auto [value, slope] = reference::activated(act, static_cast<double>(x[i]));
        expected[i] = value;
        dexpected[i] = dy[i] * slope;
      }
      CHECK(relative_difference(y, expected) < tolerance_of<Real>());
      CHECK(relative_difference(dx, dexpected) < tolerance_of<Real>());
    }
  }
}

TEST_CASE("activations pass NaN on", "[kernels]") {
  for (const activation act : reference::every_activation) CHECK(std::isnan(activate(act, std::nanf(""))));
}

TEST_CASE("convert rounds to bfloat16 and back loses nothing", "[kernels][cpu]") {
  context<cpu> ctx(2);
  for (const shape& s : {shape{1}, shape{3, 5, 7}, shape{70'001}}) {
    auto x = random_tensor<float>(s, 1);
    if (x.size() > 20) x[3] = std::nanf(""), x[18] = HUGE_VALF, x[19] = std::numeric_limits<float>::max();
    tensor<bfloat16> narrow(s);
    tensor<float> wide(s);
    convert<bfloat16, float>(ctx, x, narrow);
    convert<float, bfloat16>(ctx, narrow, wide);
    for (index_t i = 0; i < x.size(); ++i) {
      const float expected = bfloat16(x[i]);
      REQUIRE((wide[i] == expected || (std::isnan(wide[i]) && std::isnan(expected))));
    }
  }
}

}  // namespace aixcell
