#include <aixcell/layers/stochastic_depth.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include "random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

namespace {

/// Which of the images of a batch a training step keeps.
std::vector<bool> kept_images(context<cpu>& ctx, stochastic_depth<cpu, float>& layer, index_t images) {
  tensor<float> ones({images, 1, 2, 3});
  ones.fill(1);
  stochastic_depth<cpu, float>::saved saved;
  const auto y = layer.forward(ctx, ones, &saved);
  layer.backward(ctx, ones, saved);
  std::vector<bool> kept;
  for (index_t n = 0; n < images; ++n) kept.push_back(y(n, index_t{0}, index_t{0}, index_t{0}) > 0);
  return kept;
}

}  // namespace

TEST_CASE("stochastic_depth: a step drops whole images and scales the others", "[layers]") {
  context<cpu> ctx(1);
  const stochastic_depth<cpu, double> layer(ctx, {.drop = 0.25f, .seed = 3});
  const auto x = random_tensor({64, 2, 2, 3}, 1);
  stochastic_depth<cpu, double>::saved saved;
  const auto y = layer.forward(ctx, x, &saved);
  int dropped = 0;
  for (index_t n = 0; n < 64; ++n) {
    const bool zero = y.slice(n)[0] == 0;
    dropped += zero;
    for (index_t i = 0; i < 12; ++i) CHECK(y.slice(n)[i] == Approx(zero ? 0 : x.slice(n)[i] / 0.75));
  }
  CHECK(dropped > 4);  // 16 are expected, with a deviation of 3.5
  CHECK(dropped < 30);
}

TEST_CASE("stochastic_depth: gradients equal central differences", "[layers]") {
  context<cpu> ctx(1);
  stochastic_depth<cpu, double> layer(ctx, {.drop = 0.5f, .seed = 3});
  const auto x = random_tensor({8, 2, 2, 3}, 1);
  stochastic_depth<cpu, double>::saved saved;
  const auto y = layer.forward(ctx, x, &saved), dx = layer.backward(ctx, x, saved);  // the map is its own adjoint
  CHECK(std::equal(y.begin(), y.end(), dx.begin()));
}

TEST_CASE("stochastic_depth: inference, and no probability, change nothing", "[layers]") {
  context<cpu> ctx(1);
  const auto x = random_tensor<float>({4, 2, 2, 3}, 1);
  CHECK(stochastic_depth<cpu, float>(ctx, {.drop = 0.5f}).forward(ctx, x, nullptr).data() == x.data());
  stochastic_depth<cpu, float> never(ctx, {.drop = 0});
  stochastic_depth<cpu, float>::saved saved;
  CHECK(never.forward(ctx, x, &saved).data() == x.data());
  int buffers = 0;
  for_each_buffer(never, [&](std::string_view, auto&) { ++buffers; });
  CHECK(buffers == 0);
}

TEST_CASE("stochastic_depth: steps differ, and a stored counter repeats those of an uninterrupted run", "[layers]") {
  context<cpu> ctx(1);
  const stochastic_depth_options options{.drop = 0.5f, .seed = 11};
  stochastic_depth<cpu, float> whole(ctx, options), first(ctx, options), resumed(ctx, options);
  std::vector<std::vector<bool>> expected;
  for (int step = 0; step < 4; ++step) expected.push_back(kept_images(ctx, whole, 16));
  CHECK(expected[0] != expected[1]);
  for (int step = 0; step < 2; ++step) CHECK(kept_images(ctx, first, 16) == expected[static_cast<std::size_t>(step)]);
  for_each_buffer(first, [&](std::string_view, auto& b) { resumed.passes.value[0] = b.value[0]; });
  for (int step = 2; step < 4; ++step) CHECK(kept_images(ctx, resumed, 16) == expected[static_cast<std::size_t>(step)]);
}

}  // namespace aixcell
