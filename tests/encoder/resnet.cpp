#include <aixcell/encoder/resnet.hpp>
#include "encoder_layer.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("resnet18 names its tensors as torchvision does", "[encoder]") {
  context<dry> ctx;
  random_stream random(1);
  const resnet18::network<dry, float> small(ctx, 3, random);
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
    for (const residual_block_options& o : {residual_block_options{.inputs = 4, .width = 4},
                                            {.inputs = 4, .width = 6},
                                            {.inputs = 4, .width = 6, .stride = 2}}) {
      CAPTURE(to_string(x), o.width, o.stride);
      random_stream random(1);
      basic_block<cpu, double> block(ctx, o, random);
      shake(block);
      CHECK(gradient_check(ctx, block, random_tensor(x, 2)) < 1e-6);
      basic_block<cpu, float> single(ctx, o, random);
      CHECK(float_path_difference(ctx, single, block, x) < 1e-3);
    }
}

}  // namespace aixcell
