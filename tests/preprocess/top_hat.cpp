#include <aixcell/preprocess/top_hat.hpp>
#include <algorithm>
#include "preprocess/examples.hpp"

namespace aixcell {

TEST_CASE("top_hat is the image less its opening", "[preprocess]") {
  context<cpu> ctx(2);
  for (const float radius : {1.0f, 2.0f, 5.0f, 60.0f}) {
    check_policy(top_hat{}, {radius});
    for (const shape& size : odd_shapes) {
      const tensor<float> pixels = random_image(size, 7, -20, 50), out = top_hat{}.apply(ctx, pixels, {radius});
      const tensor<float> opened = grey_opening(ctx, pixels, static_cast<index_t>(radius));
      CAPTURE(radius, to_string(size));
      for (index_t i = 0; i < out.size(); ++i) {
        REQUIRE(out[i] == pixels[i] - opened[i]);
        REQUIRE(out[i] >= 0);
      }
    }
  }
}

TEST_CASE("top_hat takes a slope away and leaves objects", "[preprocess]") {
  context<cpu> ctx;
  tensor<float> pixels({64, 64, 1});
  for (index_t i = 0; i < 64; ++i)
    for (index_t j = 0; j < 64; ++j)
      pixels(i, j, 0) = static_cast<float>(3 * i) + (i / 8 % 2 && j / 8 % 2 ? 100.0f : 0.0f);
  const tensor<float> out = top_hat{}.apply(ctx, pixels, {8});
  CHECK(out(20, 20, 0) == 0);
  CHECK(out(12, 12, 0) > 90);
  CHECK(out(44, 60, 0) > 90);
}

TEST_CASE("top_hat: the square is as wide as objects ask for; without objects nothing happens", "[preprocess]") {
  context<cpu> ctx;
  examples_in_memory training;
  training.add(random_image({40, 120, 1}, 1), squares({9, 10, 31}));
  const top_hat policy{.width = 3};
  const auto state = policy.fit(ctx, training);
  CHECK(state.radius == std::ceil(static_cast<float>(disc_diameter(10)) * 3 / 2));
  CHECK(top_hat{.radius = 6.5f}.fit(ctx, training).radius == 7);
  CHECK(member_names(state) == std::vector<std::string>{"radius"});
  training.all[0].truth.labels.fill(0);
  const auto none = policy.fit(ctx, training);
  const tensor<float>& pixels = training.all[0].picture.pixels;
  const tensor<float> out = policy.apply(ctx, pixels, none);
  CHECK(std::equal(out.begin(), out.end(), pixels.begin()));
}

TEST_CASE("top_hat: a radius that is set is taken, however large", "[preprocess]") {
  context<cpu> ctx(1);
  examples_in_memory training;
  training.add(random_image({40, 40, 1}, 1), squares({9}));
  CHECK(top_hat{.radius = 7.5f}.fit(ctx, training).radius == 8);
  const tensor<float> pixels = random_image({5, 9, 1}, 2), whole = top_hat{}.apply(ctx, pixels, {1e30f});
  const float least = *std::min_element(pixels.begin(), pixels.end());
  for (index_t i = 0; i < pixels.size(); ++i) CHECK(whole[i] == pixels[i] - least);
}

}  // namespace aixcell
