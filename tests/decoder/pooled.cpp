#include <aixcell/decoder/pooled.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"
#include "whole_network.hpp"

namespace aixcell {

TEST_CASE("the mean of the coarsest level, whatever the finer ones hold", "[decoder]") {
  context<cpu> ctx(2);
  random_stream random(1);
  constexpr std::array<feature_level, 2> levels{{{3, 1}, {5, 2}}};
  const pooled::network<cpu, double> net(ctx, levels, random);
  CHECK(net.output_channels() == 5);
  const auto coarse = random_tensor<double>({2, 3, 4, 5}, 7);
  const auto y = net.forward(ctx, {random_tensor<double>({2, 6, 8, 3}, 8), coarse}, 6, 8, nullptr);
  REQUIRE(y.shape() == shape{2, 1, 1, 5});
  for (index_t n = 0; n < 2; ++n)
    for (index_t c = 0; c < 5; ++c) {
      double mean = 0;
      for (index_t i = 0; i < 3; ++i)
        for (index_t j = 0; j < 4; ++j) mean += coarse(n, i, j, c) / 12;
      CHECK(y(n, 0, 0, c) == Approx(mean).epsilon(1e-12));
    }
}

TEST_CASE("gradients through a pooled network equal central differences", "[decoder]") {
  context<cpu> ctx(2);
  const auto x = random_tensor({3, 9, 10, 2}, 2);
  random_stream random(1);
  network<plain<2, 2>, pooled, cpu, double> net(ctx, 2, {3}, random);
  shake(net);
  CHECK(gradient_check(ctx, net, x, {.values_per_tensor = 2}) < 1e-6);
}

TEST_CASE("one vector for images of any size, and the levels that nobody asked for have no gradient", "[decoder]") {
  context<cpu> ctx(2);
  random_stream random(1);
  network<resnet18, pooled, cpu> net(ctx, 1, {7}, random);
  for (const shape& size : {shape{1, 1, 1, 1}, shape{2, 40, 40, 1}, shape{3, 33, 65, 1}}) {
    decltype(net)::saved kept;
    auto y = net.forward(ctx, random_tensor<float>(size, 3), &kept);
    REQUIRE(y.shape() == shape{size[0], 1, 1, 7});
    net.backward(ctx, std::move(y), kept);
  }
  pooled::network<cpu, float> alone(ctx, resnet18::levels, random);
  pooled::network<cpu, float>::saved kept;
  std::vector<tensor<float>> levels;
  for (const feature_level& l : resnet18::levels)
    levels.push_back(random_tensor<float>({1, 64 / l.stride, 64 / l.stride, l.channels}, 4));
  const shape last = levels.back().shape();
  auto y = alone.forward(ctx, std::move(levels), 64, 64, &kept);
  const auto gradients = alone.backward(ctx, std::move(y), kept);
  REQUIRE(gradients.size() == resnet18::levels.size());
  for (std::size_t i = 0; i + 1 < gradients.size(); ++i) CHECK(gradients[i].empty());
  CHECK(gradients.back().shape() == last);
}

TEST_CASE("a dry run of a pooled network predicts its memory", "[decoder]") {
  const shape batch{4, 64, 48, 1};
  context<dry> predicted;
  context<cpu> measured(1);
  const std::size_t expected = training_peak<plain<3, 16>, pooled, dry, float>(predicted, batch);
  const std::size_t found = training_peak<plain<3, 16>, pooled, cpu, float>(measured, batch);
  CHECK(static_cast<double>(found) == Approx(static_cast<double>(expected)).epsilon(0.05));
}

}  // namespace aixcell
