#include <aixcell/layers/up_sampling.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
TEST_CASE("up_sampling: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : odd_images)
    for (const interpolation mode : {interpolation::nearest, interpolation::bilinear})
      for (const int factor : {1, 2, 3}) {
        CAPTURE(to_string(x), factor);
        up_sampling<cpu, double> layer{mode, factor};
        up_sampling<cpu, float> single{mode, factor};
        CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
        CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
      }
}

}  // namespace aixcell
