#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"
#include "whole_network.hpp"

namespace aixcell {

TEST_CASE("unet: gradients of whole small networks equal central differences", "[decoder]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{2, 5, 7, 2}, shape{3, 9, 4, 2}}) {
    CAPTURE(to_string(x));
    random_stream random(1);
    network<plain<2, 2>, unet, cpu, double> two(ctx, 2, {3}, random);
    shake(two);
    CHECK(gradient_check(ctx, two, random_tensor(x, 2), {.values_per_tensor = 8}) < 1e-6);
    network<plain<4, 2>, unet, cpu, double> four(ctx, 2, {3}, random);
    shake(four);
    CHECK(gradient_check(ctx, four, random_tensor(x, 2), {.values_per_tensor = 4}) < 1e-6);
  }
}

TEST_CASE("unet: any size from one pixel, for encoders that start at stride 1 and 2", "[decoder]") {
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
  check(network<plain<4, 4>, unet, cpu>(ctx, 1, {3}, random), {{1, 1, 1, 1}, {2, 1, 6, 1}, {1, 35, 33, 1}});
  check(network<resnet18, unet, cpu>(ctx, 1, {3}, random), {{2, 35, 1, 1}});
}

TEST_CASE("unet: a dry run costs and predicts the memory of a real one", "[decoder]") {
  const shape batch{2, 64, 48, 1};
  context<dry> predicted;
  context<cpu> measured(1);
  const std::size_t expected = training_peak<plain<3, 16>, unet, dry, float>(predicted, batch);
  const std::size_t found = training_peak<plain<3, 16>, unet, cpu, float>(measured, batch);
  CHECK(predicted.spent().flops > 1e6);
  CHECK(predicted.spent().bytes > 1e6);
  CHECK(static_cast<double>(found) == Approx(static_cast<double>(expected)).epsilon(0.05));
  CHECK(found >= expected);  // what is not counted is the kernels' small workspace
}

TEST_CASE("unet: widths mirror an encoder of stride 1, else follow the stride", "[decoder]") {
  STATIC_REQUIRE(unet::output_channels(plain<4, 16>::levels) == 16);
  STATIC_REQUIRE(unet::output_channels(plain<3, 24>::levels) == 24);
  STATIC_REQUIRE(unet::output_channels(resnet18::levels) == 16);
  context<dry> ctx;
  random_stream random(1);
  const unet::network<dry, float> decoder(ctx, resnet18::levels, random);
  std::vector<index> inputs, outputs;
  for (const auto& step : decoder.steps) {
    inputs.push_back(step[0].conv.weight.value.extent(3));
    outputs.push_back(step[1].conv.weight.value.extent(0));
  }
  CHECK(outputs == std::vector<index>{256, 128, 64, 32, 16});
  CHECK(inputs == std::vector<index>{512 + 256, 256 + 128, 128 + 64, 64 + 64, 32});
}

TEST_CASE("unet: training repeats bit for bit with any number of threads", "[decoder]") {
  const auto run = [](int threads) {
    context<cpu> ctx(threads);
    random_stream random(1);
    network<plain<3, 6>, unet, cpu> net(ctx, 1, {3}, random);
    network<plain<3, 6>, unet, cpu>::saved kept;
    auto y = net.forward(ctx, random_tensor<float>({2, 70, 61, 1}, 3), &kept);
    net.backward(ctx, std::move(y), kept);
    std::vector<float> all;
    for_each_parameter(net,
                       [&](std::string_view, auto& p) { all.insert(all.end(), p.gradient.begin(), p.gradient.end()); });
    for_each_buffer(net, [&](std::string_view, auto& b) { all.insert(all.end(), b.value.begin(), b.value.end()); });
    return all;
  };
  const auto once = run(1);
  CHECK(once == run(2));
  CHECK(once == run(5));
}

}  // namespace aixcell
