#include <aixcell/encoder/convnext.hpp>
#include <aixcell/encoder/densenet.hpp>
#include <aixcell/encoder/efficientnet.hpp>
#include <aixcell/encoder/mobilenet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/encoder/vgg.hpp>
#include "encoder_layer.hpp"
#include "published_parameters.hpp"
#include "support/catch.hpp"

namespace aixcell {

// What holds for every encoder; what is special about one is tested in the file of its name.

TEMPLATE_TEST_CASE("encoders have the published number of parameters", "[encoder]", resnet18, resnet34, resnet50,
                   se_resnext50_32x4d, vgg16_bn, densenet121, mobilenet_v2, efficientnet_b0, efficientnet<3>,
                   convnext_tiny) {
  context<dry> ctx;
  random_stream random(1);
  const typename TestType::template network<dry, float> network(ctx, 3, random);
  CHECK(parameter_count(network) == published<TestType>.parameters - published<TestType>.left_out);
}

TEMPLATE_TEST_CASE("encoders take any size from one pixel", "[encoder]", (plain<3, 4>), resnet18, resnet50,
                   se_resnext50_32x4d, vgg16_bn, densenet121, mobilenet_v2, efficientnet_b0, convnext_tiny) {
  context<cpu> ctx(2);
  random_stream random(1);
  using network_type = typename TestType::template network<cpu, float>;
  network_type network(ctx, 2, random);
  for (const shape& x : {shape{1, 1, 3, 2}, shape{2, 33, 31, 2}}) {
    CAPTURE(TestType::name, to_string(x));
    typename network_type::saved kept;
    const auto levels = network.forward(ctx, random_tensor<float>(x, 3), &kept);
    REQUIRE(levels.size() == TestType::levels.size());
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const auto [channels, stride] = TestType::levels[i];
      CHECK(levels[i].shape() == shape{x[0], (x[1] + stride - 1) / stride, (x[2] + stride - 1) / stride, channels});
    }
    network.backward(ctx, levels, kept);
    for_each_parameter(network, [&](std::string_view name, auto& p) {
      CAPTURE(name);
      CHECK(std::all_of(p.gradient.begin(), p.gradient.end(), [](float v) { return std::isfinite(v); }));
    });
    for (const auto& level : network.forward(ctx, random_tensor<float>(x, 3), nullptr))
      for (const float v : level) REQUIRE(std::isfinite(v));
  }
}

// Value by value would take minutes: all parameters move along one random direction instead.
TEMPLATE_TEST_CASE("the gradient along a direction equals a central difference", "[encoder]", resnet18, resnet50,
                   se_resnext50_32x4d, vgg16_bn, densenet121, mobilenet_v2, efficientnet_b0, convnext_tiny) {
  context<cpu> ctx(2);
  random_stream random(1);
  encoder_layer<TestType, cpu, double> layer{{ctx, 1, random}};
  shake(layer);
  const auto x = random_tensor({2, 33, 35, 1}, 2);  // some values even at stride 32, for the normalisations
  typename encoder_layer<TestType, cpu, double>::saved kept;
  const auto y = layer.forward(ctx, x, &kept);
  const auto weights = random_tensor(y.shape(), 3);
  layer.backward(ctx, weights, kept);
  std::vector<tensor<double>> starts, directions;
  double slope = 0;
  for_each_parameter(layer, [&](std::string_view, auto& p) {
    starts.push_back(p.value.clone());
    directions.push_back(random_tensor(p.value.shape(), directions.size()));
    for (index_t i = 0; i < p.value.size(); ++i) slope += p.gradient[i] * directions.back()[i];
  });
  // The branches that were dropped must be dropped again.
  for_each_buffer(layer, [&](std::string_view name, auto& b) {
    if (name.ends_with("passes")) b.value.fill(0);
  });
  const auto loss_at = [&](double step) {
    std::size_t k = 0;
    for_each_parameter(layer, [&](std::string_view, auto& p) {
      for (index_t i = 0; i < p.value.size(); ++i) p.value[i] = starts[k][i] + step * directions[k][i];
      ++k;
    });
    typename encoder_layer<TestType, cpu, double>::saved unused;
    const auto again = layer.forward(ctx, x, &unused);
    double sum = 0;
    for (index_t i = 0; i < again.size(); ++i) sum += weights[i] * again[i];
    return sum;
  };
  double best = HUGE_VAL;
  for (const double step : {1e-9, 1e-8, 1e-10, 1e-7, 1e-11})
    if (best >= 1e-6)
      best = std::min(best, std::abs((loss_at(step) - loss_at(-step)) / (2 * step) - slope) / std::abs(slope));
  CHECK(best < 1e-6);
}

}  // namespace aixcell
