#include <aixcell/encoder/plain.hpp>
#include "encoder_layer.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("plain: names and levels follow from the numbers", "[encoder]") {
  STATIC_REQUIRE(plain<4, 16>::name == "plain4x16");
  STATIC_REQUIRE(plain<10, 128>::name == "plain10x128");
  STATIC_REQUIRE(plain<3, 8>::levels == std::array<feature_level, 3>{{{8, 1}, {16, 2}, {32, 4}}});
}

TEST_CASE("plain: gradients equal central differences", "[encoder]") {
  context<cpu> ctx(2);
  for (const shape& x : {shape{2, 5, 7, 3}, shape{3, 4, 6, 1}}) {
    CAPTURE(to_string(x));
    random_stream random(1);
    encoder_layer<plain<3, 3>, cpu, double> layer{{ctx, static_cast<int>(x[3]), random}};
    shake(layer);
    CHECK(gradient_check(ctx, layer, random_tensor(x, 2)) < 1e-6);
  }
}

TEST_CASE("plain: any size from one pixel, in training and inference", "[encoder]") {
  context<cpu> ctx(1);
  random_stream random(1);
  plain<4, 4>::network<cpu, float> network(ctx, 2, random);
  for (const shape& x : {shape{1, 1, 1, 2}, shape{2, 1, 9, 2}, shape{1, 17, 6, 2}}) {
    plain<4, 4>::network<cpu, float>::saved kept;
    const auto levels = network.forward(ctx, random_tensor<float>(x, 3), &kept);
    REQUIRE(levels.size() == 4);
    for (index_t i = 0, h = x[1], w = x[2]; i < 4; ++i, h = (h + 1) / 2, w = (w + 1) / 2)
      CHECK(levels[static_cast<std::size_t>(i)].shape() == shape{x[0], h, w, index_t{4} << i});
    network.backward(ctx, levels, kept);
    CHECK(network.forward(ctx, random_tensor<float>(x, 3), nullptr)[3].extent(3) == 32);
  }
}

TEST_CASE("plain: levels nobody used need no gradient", "[encoder]") {
  context<cpu> ctx(1);
  random_stream random(1);
  plain<3, 2>::network<cpu, double> network(ctx, 1, random);
  plain<3, 2>::network<cpu, double>::saved kept;
  auto levels = network.forward(ctx, random_tensor({1, 6, 6, 1}, 3), &kept);
  levels[0] = {};
  levels[2] = {};
  network.backward(ctx, levels, kept);
  double coarse = 0, fine = 0;
  for (const double g : network.stages[2].units.layers[0].conv.weight.gradient) coarse += std::abs(g);
  for (const double g : network.stages[0].units.layers[0].conv.weight.gradient) fine += std::abs(g);
  CHECK(coarse == 0);
  CHECK(fine > 0);
}

}  // namespace aixcell
