#include <aixcell/decoder/fpn.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"
#include "whole_network.hpp"

namespace aixcell {

TEST_CASE("fpn: gradients of whole small networks equal central differences", "[decoder]") {
  context<cpu> ctx(2);
  random_stream random(1);
  network<plain<2, 2>, fpn, cpu, double> two(ctx, 2, {3}, random);
  shake(two);
  CHECK(gradient_check(ctx, two, random_tensor({2, 3, 5, 2}, 2), {.values_per_tensor = 2}) < 1e-6);
  network<plain<4, 2>, fpn, cpu, double> four(ctx, 2, {3}, random);
  shake(four);
  CHECK(gradient_check(ctx, four, random_tensor({3, 9, 7, 2}, 2), {.values_per_tensor = 2}) < 1e-6);
}

TEST_CASE("fpn: any size from one pixel, for encoders that start at stride 1 and 2", "[decoder]") {
  context<cpu> ctx(2);
  random_stream random(1);
  const auto check = [&](auto net, std::initializer_list<shape> sizes) {
    for (const shape& x : sizes) {
      typename decltype(net)::saved kept;
      auto y = net.forward(ctx, random_tensor<float>(x, 3), &kept);
      CHECK(y.shape() == shape{x[0], x[1], x[2], 3});
      net.backward(ctx, std::move(y), kept);
      y = net.forward(ctx, random_tensor<float>(x, 3), nullptr);
      for (const float v : y) REQUIRE(std::isfinite(v));
    }
  };
  check(network<plain<4, 4>, fpn, cpu>(ctx, 1, {3}, random), {{1, 1, 1, 1}, {2, 1, 6, 1}, {1, 35, 33, 1}});
  check(network<resnet18, fpn, cpu>(ctx, 1, {3}, random), {{2, 35, 1, 1}});
}

TEST_CASE("fpn: a dry run costs and predicts the memory of a real one", "[decoder]") {
  const shape batch{2, 64, 48, 1};
  context<dry> predicted;
  context<cpu> measured(1);
  const std::size_t expected = training_peak<plain<3, 16>, fpn, dry, float>(predicted, batch);
  const std::size_t found = training_peak<plain<3, 16>, fpn, cpu, float>(measured, batch);
  CHECK(predicted.spent().flops > 1e6);
  CHECK(predicted.spent().bytes > 1e6);
  CHECK(static_cast<double>(found) == Approx(static_cast<double>(expected)).epsilon(0.05));
  CHECK(found >= expected);  // what is not counted is the kernels' small workspace
}

TEST_CASE("fpn: branches meet at stride 4, or at the finest level", "[decoder]") {
  STATIC_REQUIRE(fpn::merged_level(resnet18::levels) == 1);
  STATIC_REQUIRE(fpn::merged_level(plain<4, 16>::levels) == 2);
  STATIC_REQUIRE(fpn::merged_level(plain<2, 16>::levels) == 0);
  context<dry> ctx;
  random_stream random(1);
  const fpn::network<dry, float> decoder(ctx, resnet18::levels, random);
  std::vector<std::size_t> units;
  for (const auto& branch : decoder.branches) units.push_back(branch.size());
  CHECK(units == std::vector<std::size_t>{1, 1, 2, 3});
  CHECK(decoder.output_channels() == 32);
}

}  // namespace aixcell
