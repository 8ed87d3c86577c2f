#include <aixcell/layers/pooling.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
TEST_CASE("max_pooling and average_pooling: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : odd_images)
    for (const pool2d_geometry& g : {pool2d_geometry{2, 2, 0}, {3, 2, 1}, {3, 1, 1}, {2, 3, 0}}) {
      CAPTURE(to_string(x), g.window, g.stride);
      max_pooling<cpu, double> maximum{g};
      max_pooling<cpu, float> single_maximum{g};
      CHECK(gradient_check(ctx, maximum, random_tensor(x, 2)) < 1e-6);
      CHECK(float_path_difference(ctx, single_maximum, maximum, x) < 1e-3);
      average_pooling<cpu, double> average{g};
      average_pooling<cpu, float> single_average{g};
      CHECK(gradient_check(ctx, average, random_tensor(x, 2)) < 1e-6);
      CHECK(float_path_difference(ctx, single_average, average, x) < 1e-3);
    }
}

}  // namespace aixcell
