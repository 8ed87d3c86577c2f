#include <aixcell/layers/channel_norm.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("channel_norm: gradients equal central differences", "[layers]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{1, 1, 1, 4}, shape{2, 5, 7, 4}, shape{3, 4, 3, 33}}) {
    CAPTURE(to_string(x));
    const channel_norm_options o{.channels = static_cast<int>(x[3])};
    channel_norm<cpu, double> layer(ctx, o);
    shake(layer);
    CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
    channel_norm<cpu, float> single(ctx, o);
    CHECK(float_path_difference(ctx, single, layer, x) < 1e-3);
  }
}

TEST_CASE("channel_norm: the channels of each pixel get mean 0 and variance 1", "[layers]") {
  context<cpu> ctx(1);
  const channel_norm<cpu, double> layer(ctx, {.channels = 7});
  auto x = random_tensor({2, 3, 5, 7}, 3);
  for (double& v : x) v = 7 + 3 * v;
  const auto y = layer.forward(ctx, x, nullptr);
  for (index_t p = 0; p < 30; ++p) {
    double sum = 0, square = 0;
    for (index_t c = 0; c < 7; ++c) sum += y[p * 7 + c], square += y[p * 7 + c] * y[p * 7 + c];
    CHECK(sum / 7 == Approx(0).margin(1e-9));
    CHECK(square / 7 == Approx(1).epsilon(1e-4));
  }
}

TEST_CASE("channel_norm: same bits for any number of threads", "[layers]") {
  const auto run = [](int threads) {
    context<cpu> ctx(threads);
    channel_norm<cpu, float> layer(ctx, {.channels = 20});
    channel_norm<cpu, float>::saved kept;
    const auto x = random_tensor<float>({2, 90, 70, 20}, 1);
    const auto y = layer.forward(ctx, x, &kept), dx = layer.backward(ctx, y.clone(), kept);
    std::vector<float> all(dx.begin(), dx.end());
    all.insert(all.end(), layer.weight.gradient.begin(), layer.weight.gradient.end());
    return all;
  };
  const auto once = run(1);
  CHECK(once == run(2));
  CHECK(once == run(5));
}

}  // namespace aixcell
