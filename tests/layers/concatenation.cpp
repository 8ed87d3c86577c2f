#include <aixcell/layers/concatenation.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("concatenation: backward gives each side its channels", "[layers]") {
  context<cpu> ctx(2);
  concatenation<cpu, double> layer;
  concatenation<cpu, double>::saved kept;
  const auto a = random_tensor({2, 3, 5, 2}, 1), b = random_tensor({2, 3, 5, 3}, 2);
  const auto y = layer.forward(ctx, a, b, &kept);
  CHECK(y(1, 2, 4, 1) == a(1, 2, 4, 1));
  CHECK(y(1, 2, 4, 2) == b(1, 2, 4, 0));
  const auto d = layer.backward(ctx, y, kept);
  CHECK(std::equal(a.begin(), a.end(), d.da.begin()));
  CHECK(std::equal(b.begin(), b.end(), d.db.begin()));
  CHECK_THROWS_AS(layer.forward(ctx, a, random_tensor({2, 3, 4, 3}, 2), nullptr), shape_error);
}

}  // namespace aixcell
