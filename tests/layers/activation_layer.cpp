#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {
TEST_CASE("activation_layer: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : odd_images)
    for (const activation act : reference::every_activation) {
      activation_layer<cpu, double> layer{act};
      activation_layer<cpu, float> single{act};
      CAPTURE(to_string(x), static_cast<int>(act));
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

}  // namespace aixcell
