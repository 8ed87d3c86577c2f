#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/pipeline/network.hpp>
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("unet: widths mirror an encoder of stride 1, else follow the stride", "[decoder]") {
  STATIC_REQUIRE(unet::output_channels(plain<4, 16>::levels) == 16);
  STATIC_REQUIRE(unet::output_channels(plain<3, 24>::levels) == 24);
  STATIC_REQUIRE(unet::output_channels(resnet18::levels) == 16);
  context<dry> ctx;
  random_stream random(1);
  const unet::network<dry, float> decoder(ctx, resnet18::levels, random);
  std::vector<index_t> inputs, outputs;
  for (const auto& step : decoder.steps) {
    inputs.push_back(step.first.conv.weight.value.extent(3));
    outputs.push_back(step.second.conv.weight.value.extent(0));
  }
  CHECK(outputs == std::vector<index_t>{256, 128, 64, 32, 16});
  CHECK(inputs == std::vector<index_t>{512 + 256, 256 + 128, 128 + 64, 64 + 64, 32});
}

TEST_CASE("unet_transposed: with an encoder of the classic widths it is the classic U-Net", "[decoder]") {
  context<dry> ctx;
  random_stream random(1);
  const network<plain<5, 32>, unet_transposed, dry> classic(ctx, 1, {.channels = 2}, random);
  CHECK(parameter_count(classic) == 7762498);  // counted by PyTorch, of the same definition
}

}  // namespace aixcell
