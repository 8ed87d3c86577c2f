#include <aixcell/decoder/fpn.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include "support/catch.hpp"

namespace aixcell {

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
