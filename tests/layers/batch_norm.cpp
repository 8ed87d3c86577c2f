#include <aixcell/layers/batch_norm.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
TEST_CASE("batch_norm: gradients equal central differences, with activation and residual", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{2, 5, 7, 4}, shape{3, 4, 3, 4}, shape{1, 3, 3, 4}}) {
    CAPTURE(to_string(x));
    random_stream random(1);
    batch_norm<cpu, double> layer(ctx, {.channels = 4}, random);
    shake(layer);
    CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
    batch_norm<cpu, float> single(ctx, {.channels = 4}, random);
    CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
  }
}

TEST_CASE("batch_norm: training normalises, inference uses running statistics that backward moved", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  batch_norm<cpu, double> layer(ctx, {.channels = 2}, random);
  tensor<double> x({2, 1, 2, 2});
  const double values[] = {1, 10, 2, 20, 3, 30, 6, 40};
  std::copy(std::begin(values), std::end(values), x.begin());
  batch_norm<cpu, double>::saved kept;
  const auto y = layer.forward(ctx, x, &kept);
  // channel 0: 1 2 3 6, mean 3, variance 3.5, unbiased 14/3
  CHECK(y[0] == Approx(-2 / std::sqrt(3.5 + 1e-5)));
  CHECK(y[6] == Approx(3 / std::sqrt(3.5 + 1e-5)));
  CHECK(layer.running_mean.value[0] == 0);  // forward is const
  layer.backward(ctx, y, kept);
  CHECK(layer.running_mean.value[0] == Approx(0.3));
  CHECK(layer.running_variance.value[0] == Approx(0.9 + 0.1 * 14 / 3));
  CHECK(kept.x.empty());
  const auto z = layer.forward(ctx, x, nullptr);
  CHECK(z[0] == Approx((1 - 0.3) / std::sqrt(0.9 + 1.4 / 3 + 1e-5)));
}

TEST_CASE("batch_norm: one value per channel and constant channels give the bias", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  batch_norm<cpu, float> layer(ctx, {.channels = 3}, random);
  layer.norm.bias.value[1] = 0.5f;
  batch_norm<cpu, float>::saved kept;
  const auto y = layer.forward(ctx, random_tensor<float>({1, 1, 1, 3}, 4), &kept);
  CHECK(y[0] == Approx(0).margin(1e-3));
  CHECK(y[1] == Approx(0.5).margin(1e-3));
  const auto dx = layer.backward(ctx, y, kept);
  for (const float v : dx) CHECK(std::isfinite(v));
}

TEST_CASE("batch_norm: dx takes the place of a gradient that nobody else has, and of no other", "[layers]") {
  context<cpu> ctx(1);
  random_stream random(1);
  const shape extents{2, 3, 5, 4};
  const auto x = random_tensor<float>(extents, 2), dy = random_tensor<float>(extents, 3), before = dy.clone();
  for (const tensor<float>& residual : {tensor<float>(), random_tensor<float>(extents, 4)}) {
    batch_norm<cpu, float> layer(ctx, {.channels = 4}, random);
    batch_norm<cpu, float>::saved kept, kept_again;
    layer.norm.forward(ctx, x, {.images = 2, .channels = 1}, {residual, activation::relu}, &kept);
    kept_again = kept;
    const auto shared = layer.backward_residual(ctx, dy, kept);
    CHECK(std::equal(dy.begin(), dy.end(), before.begin()));
    auto own = dy.clone();
    const float* const place = own.data();
    const auto in_place = layer.backward_residual(ctx, std::move(own), kept_again);
    CHECK(in_place.dx.data() == place);
    CHECK(std::equal(shared.dx.begin(), shared.dx.end(), in_place.dx.begin()));
    CHECK(shared.dresidual.size() == residual.size());
    CHECK(std::equal(shared.dresidual.begin(), shared.dresidual.end(), in_place.dresidual.begin()));
  }
}

}  // namespace aixcell
