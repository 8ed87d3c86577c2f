#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include <aixcell/layers/pooling.hpp>
#include <aixcell/layers/up_sampling.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {
const shape sizes[] = {{1, 1, 1, 4}, {2, 5, 7, 4}, {3, 4, 3, 4}};
}

TEST_CASE("activation_layer: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : sizes)
    for (const activation act : {activation::none, activation::relu, activation::leaky_relu, activation::silu}) {
      activation_layer<cpu, double> layer{act};
      activation_layer<cpu, float> single{act};
      CAPTURE(to_string(x), static_cast<int>(act));
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

TEST_CASE("max_pooling and average_pooling: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : sizes)
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

TEST_CASE("up_sampling: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : sizes)
    for (const interpolation mode : {interpolation::nearest, interpolation::bilinear})
      for (const int factor : {1, 2, 3}) {
        CAPTURE(to_string(x), factor);
        up_sampling<cpu, double> layer{mode, factor};
        up_sampling<cpu, float> single{mode, factor};
        CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
        CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
      }
}

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
