#include <aixcell/layers/cropping.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

namespace {

/// A cropping to one size, with the signature of a layer.
struct to_three_by_two : cropping<cpu, double> {
  tensor<double> forward(context<cpu>& ctx, const tensor<double>& x, saved* keep) const {
    return cropping::forward(ctx, x, {3, 2}, keep);
  }
};

}  // namespace

TEST_CASE("cropping: gradients equal central differences; what fits is passed on", "[layers]") {
  context<cpu> ctx(1);
  to_three_by_two layer;
  for (const shape& s : {shape{1, 3, 2, 1}, shape{2, 4, 2, 3}, shape{2, 4, 3, 3}}) {
    CAPTURE(to_string(s));
    const auto x = random_tensor(s, 1);
    CHECK(gradient_check(ctx, layer, x) < 1e-6);
    CHECK(layer.forward(ctx, x, nullptr).shape() == shape{s[0], 3, 2, s[3]});
  }
  const auto x = random_tensor({1, 3, 2, 4}, 1);
  CHECK(layer.forward(ctx, x, nullptr).data() == x.data());
  CHECK_THROWS_AS(layer.forward(ctx, random_tensor({1, 2, 2, 4}, 1), nullptr), shape_error);
}

}  // namespace aixcell
