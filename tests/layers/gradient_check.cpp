#include <aixcell/layers/gradient_check.hpp>
#include <aixcell/layers/activation_layer.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gradient_check finds a wrong gradient", "[layers]") {
  struct wrong : activation_layer<cpu, double> {
    tensor<double> backward(context<cpu>& ctx, tensor<double> dy, saved& kept) {
      auto dx = activation_layer::backward(ctx, dy, kept);
      dx[3] *= 1.001;
      return dx;
    }
  };
  context<cpu> ctx(1);
  wrong layer;
  layer.act = activation::silu;
  CHECK(gradient_check(ctx, layer, random_tensor({1, 2, 2, 2}, 1)) > 1e-5);
}

}  // namespace aixcell
