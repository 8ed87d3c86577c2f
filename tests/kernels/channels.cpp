#include <aixcell/kernels/cpu/channels.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEMPLATE_TEST_CASE("concatenate_channels, split_channels, add_bias and its gradient equal plain loops",
                   "[kernels][cpu]", float, double) {
  using Real = TestType;
  context<cpu> ctx(2), five(5);
  for (const shape& s : {shape{1, 1, 1, 1}, shape{2, 5, 7, 3}, shape{2, 70, 67, 16}}) {
    const shape bs{s[0], s[1], s[2], 2}, ys{s[0], s[1], s[2], s[3] + 2};
    const auto a = random_tensor<Real>(s, 1), b = random_tensor<Real>(bs, 2);
    tensor<Real> y(ys), left(s), right(bs);
    concatenate_channels<Real>(ctx, a, b, y);
    for (index_t p = 0; p < s[0] * s[1] * s[2]; ++p)
      for (index_t c = 0; c < ys[3]; ++c)
        REQUIRE(y[p * ys[3] + c] == (c < s[3] ? a[p * s[3] + c] : b[p * 2 + c - s[3]]));
    split_channels<Real>(ctx, y, left, right);
    CHECK(std::equal(a.begin(), a.end(), left.begin()));
    CHECK(std::equal(b.begin(), b.end(), right.begin()));

    const auto bias = random_tensor<Real>({s[3]}, 3);
    add_bias<Real>(ctx, bias, left);
    tensor<double> expected({s[3]});
    auto found = bias.clone(), again = bias.clone();
    for (index_t c = 0; c < s[3]; ++c) expected[c] = bias[c];
    for (index_t i = 0; i < a.size(); ++i) {
      REQUIRE(left[i] == a[i] + bias[i % s[3]]);
      expected[i % s[3]] += a[i];
    }
    add_bias_gradient<Real>(ctx, a, found);
    add_bias_gradient<Real>(five, a, again);
    CHECK(relative_difference(found, expected) < 1e-6);
    CHECK(std::equal(found.begin(), found.end(), again.begin()));
  }
}

TEST_CASE("concatenate_channels refuses images of unequal size", "[kernels]") {
  context<dry> ctx;
  tensor<float, dry> a(ctx, {1, 2, 2, 3}), b(ctx, {1, 2, 3, 1}), y(ctx, {1, 2, 2, 4});
  CHECK_THROWS_WITH(concatenate_channels<float>(ctx, a, b, y),
                    "concatenate_channels: expected shape [1,2,2,1], found [1,2,3,1]");
}

}  // namespace aixcell
