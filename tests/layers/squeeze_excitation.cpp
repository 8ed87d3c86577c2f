#include <aixcell/layers/squeeze_excitation.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("squeeze_excitation: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{1, 1, 1, 4}, shape{2, 5, 7, 4}, shape{3, 4, 3, 4}})
    for (const activation act : {activation::relu, activation::silu}) {
      CAPTURE(to_string(x));
      random_stream random(1);
      squeeze_excitation<cpu, double> layer(ctx, {.channels = 4, .squeezed = 3, .act = act}, random);
      shake(layer);
      CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
      squeeze_excitation<cpu, float> single(ctx, {.channels = 4, .squeezed = 3, .act = act}, random);
      CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
    }
}

TEST_CASE("squeeze_excitation: the factor follows from the means of the channels", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  squeeze_excitation<cpu, double> layer(ctx, {.channels = 2, .squeezed = 1}, random);
  shake(layer);
  const auto x = random_tensor({2, 3, 5, 2}, 3), y = layer.forward(ctx, x, nullptr);
  for (index_t n = 0; n < 2; ++n) {
    double mean[2] = {};
    for (index_t p = 0; p < 15; ++p)
      for (index_t c = 0; c < 2; ++c) mean[c] += x[(n * 15 + p) * 2 + c] / 15;
    const auto &w1 = layer.reduce.weight.value, &w2 = layer.expand.weight.value;
    const double hidden = std::max(0.0, w1[0] * mean[0] + w1[1] * mean[1] + layer.reduce.bias.value[0]);
    for (index_t c = 0; c < 2; ++c) {
      const double factor = 1 / (1 + std::exp(-(w2[c] * hidden + layer.expand.bias.value[c])));
      for (index_t p = 0; p < 15; ++p) CHECK(y[(n * 15 + p) * 2 + c] == Approx(factor * x[(n * 15 + p) * 2 + c]));
    }
  }
}

}  // namespace aixcell
