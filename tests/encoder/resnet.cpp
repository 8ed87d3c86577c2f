#include <aixcell/encoder/resnet.hpp>
#include "encoder_layer.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("resnet18 and resnet34 have torchvision's parameters", "[encoder]") {
  context<dry> ctx;
  random_stream random(1);
  const resnet18::network<dry, float> small(ctx, 3, random);
  const resnet34::network<dry, float> large(ctx, 3, random);
  CHECK(parameter_count(small) == 11'176'512);
  CHECK(parameter_count(large) == 21'284'672);
  std::vector<std::string> names;
  for_each_parameter(small, [&](std::string_view name, const auto&) { names.emplace_back(name); });
  CHECK(names.size() == 60);
  for (const char* name : {"conv1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer2.0.downsample.0.weight",
                           "layer2.0.downsample.1.weight", "layer4.1.bn2.weight"})
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  CHECK(std::count(names.begin(), names.end(), "layer1.0.downsample.0.weight") == 0);
  bool found = false;
  for_each_buffer(small, [&](std::string_view name, const auto&) { found |= name == "layer1.1.bn2.running_var"; });
  CHECK(found);
}

TEST_CASE("basic_block: gradients equal central differences, with and without a convolution around", "[encoder]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{2, 5, 7, 4}, shape{3, 4, 3, 4}, shape{1, 6, 5, 4}})
    for (const conv_norm_act_options& o : {conv_norm_act_options{.inputs = 4, .outputs = 4},
                                           {.inputs = 4, .outputs = 6},
                                           {.inputs = 4, .outputs = 6, .stride = 2}}) {
      CAPTURE(to_string(x), o.outputs, o.stride);
      random_stream random(1);
      basic_block<cpu, double> block(ctx, o, random);
      shake(block);
      CHECK(gradient_check(ctx, block, random_tensor(x, 2)) < 1e-6);
      basic_block<cpu, float> single(ctx, o, random);
      CHECK(float_path_difference(ctx, single, block, x) < 1e-3);
    }
}

// Value by value would take minutes: all parameters move along one random direction instead.
TEST_CASE("resnet18: the gradient along a direction equals a central difference", "[encoder]") {
  context<cpu> ctx(2);
  random_stream random(1);
  encoder_layer<resnet18, cpu, double> layer{{ctx, 1, random}};
  shake(layer);
  const auto x = random_tensor({3, 9, 7, 1}, 2);
  encoder_layer<resnet18, cpu, double>::saved kept;
  const auto y = layer.forward(ctx, x, &kept);
  const auto weights = random_tensor(y.shape(), 3);
  layer.backward(ctx, weights, kept);
  std::vector<tensor<double>> starts, directions;
  double slope = 0;
  for_each_parameter(layer, [&](std::string_view, auto& p) {
    starts.push_back(p.value.clone());
    directions.push_back(random_tensor(p.value.shape(), directions.size()));
    for (index i = 0; i < p.value.size(); ++i) slope += p.gradient[i] * directions.back()[i];
  });
  const auto loss_at = [&](double step) {
    std::size_t k = 0;
    for_each_parameter(layer, [&](std::string_view, auto& p) {
      for (index i = 0; i < p.value.size(); ++i) p.value[i] = starts[k][i] + step * directions[k][i];
      ++k;
    });
    encoder_layer<resnet18, cpu, double>::saved unused;
    const auto again = layer.forward(ctx, x, &unused);
    double sum = 0;
    for (index i = 0; i < again.size(); ++i) sum += weights[i] * again[i];
    return sum;
  };
  double best = HUGE_VAL;
  for (const double step : {1e-6, 1e-7, 1e-8})
    best = std::min(best, std::abs((loss_at(step) - loss_at(-step)) / (2 * step) - slope) / std::abs(slope));
  CHECK(best < 1e-6);
}

TEST_CASE("resnet18: any size from one pixel", "[encoder]") {
  context<cpu> ctx(2);
  random_stream random(1);
  resnet18::network<cpu, float> network(ctx, 2, random);
  for (const shape& x : {shape{1, 1, 3, 2}, shape{2, 33, 31, 2}}) {
    resnet18::network<cpu, float>::saved kept;
    const auto levels = network.forward(ctx, random_tensor<float>(x, 3), &kept);
    REQUIRE(levels.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto [channels, stride] = resnet18::levels[i];
      CHECK(levels[i].shape() == shape{x[0], (x[1] + stride - 1) / stride, (x[2] + stride - 1) / stride, channels});
    }
    network.backward(ctx, levels, kept);
    network.forward(ctx, random_tensor<float>(x, 3), nullptr);
  }
}

}  // namespace aixcell
