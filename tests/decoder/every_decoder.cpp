#include <aixcell/decoder/deeplab_v3_plus.hpp>
#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/linknet.hpp>
#include <aixcell/decoder/pspnet.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/decoder/unet_plus_plus.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"
#include "whole_network.hpp"

namespace aixcell {

// What holds for every decoder; what is special about one is tested in the file of its name.

TEMPLATE_TEST_CASE("gradients of whole small networks equal central differences", "[decoder]", unet, unet_transposed,
                   fpn, linknet, unet_plus_plus, pspnet, deeplab_v3_plus) {
  context<cpu> ctx(2);
  // The coarsest level needs a few values: the normalisation of two is a sign, which has no slope to compare.
  const auto x = random_tensor({3, 9, 10, 2}, 2);
  CAPTURE(TestType::name);
  random_stream random(1);
  if constexpr (!std::is_same_v<TestType, deeplab_v3_plus>) {  // a million weights take minutes under sanitizers
    network<plain<2, 2>, TestType, cpu, double> two(ctx, 2, {3}, random);
    shake(two);
    CHECK(gradient_check(ctx, two, x, {.values_per_tensor = 1}) < 1e-6);
  }
  network<plain<4, 2>, TestType, cpu, double> four(ctx, 2, {.channels = 3, .features = 4}, random);
  shake(four);
  CHECK(gradient_check(ctx, four, x, {.values_per_tensor = 1}) < 1e-6);
}

TEMPLATE_TEST_CASE("any size from one pixel, for encoders that start at stride 1 and 2", "[decoder]", unet,
                   unet_transposed, fpn, linknet, unet_plus_plus, pspnet, deeplab_v3_plus) {
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
  check(network<plain<4, 4>, TestType, cpu>(ctx, 1, {3}, random), {{1, 1, 1, 1}, {2, 1, 6, 1}, {1, 35, 33, 1}});
  check(network<resnet18, TestType, cpu>(ctx, 1, {3}, random), {{2, 35, 1, 1}});
}

TEMPLATE_TEST_CASE("a dry run costs and predicts the memory of a real one", "[decoder]", unet, unet_transposed, fpn,
                   linknet, unet_plus_plus, pspnet, deeplab_v3_plus) {
  const shape batch{2, 64, 48, 1};
  context<dry> predicted;
  context<cpu> measured(1);
  const std::size_t expected = training_peak<plain<3, 16>, TestType, dry, float>(predicted, batch);
  const std::size_t found = training_peak<plain<3, 16>, TestType, cpu, float>(measured, batch);
  CHECK(predicted.spent().flops > 1e6);
  CHECK(predicted.spent().bytes > 1e6);
  CHECK(static_cast<double>(found) == Approx(static_cast<double>(expected)).epsilon(0.05));
  CHECK(found >= expected);  // what is not counted is the kernels' small workspace
}

TEMPLATE_TEST_CASE("training repeats bit for bit with any number of threads", "[decoder]", unet, unet_transposed, fpn,
                   linknet, unet_plus_plus, pspnet, deeplab_v3_plus) {
  const auto run = [](int threads) {
    context<cpu> ctx(threads);
    random_stream random(1);
    network<plain<3, 6>, TestType, cpu> net(ctx, 1, {3}, random);
    typename network<plain<3, 6>, TestType, cpu>::saved kept;
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
