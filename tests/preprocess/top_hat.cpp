#include <aixcell/preprocess/top_hat.hpp>
#include <algorithm>
#include "preprocess/examples.hpp"

namespace aixcell {

namespace {
/// Least or greatest of the square around each pixel, as far as it lies in the image.
tensor<float> plain_extreme(const tensor<float>& in, index radius, bool least) {
  tensor<float> out(in.shape());
  for (index i = 0; i < in.extent(0); ++i)
    for (index j = 0; j < in.extent(1); ++j)
      for (index c = 0; c < in.extent(2); ++c) {
        float found = in(i, j, c);
        for (index y = std::max<index>(0, i - radius); y <= std::min(in.extent(0) - 1, i + radius); ++y)
          for (index x = std::max<index>(0, j - radius); x <= std::min(in.extent(1) - 1, j + radius); ++x)
            found = least ? std::min(found, in(y, x, c)) : std::max(found, in(y, x, c));
        out(i, j, c) = found;
      }
  return out;
}
}  // namespace

TEST_CASE("top_hat is the image less its opening", "[preprocess]") {
  context<cpu> ctx(2);
  for (const float radius : {1.0f, 2.0f, 5.0f, 60.0f}) {
    check_policy(top_hat{}, {radius});
    for (const shape& size : odd_shapes) {
      const tensor<float> pixels = random_image(size, 7, -20, 50), out = top_hat{}.apply(ctx, pixels, {radius});
      const auto r = static_cast<index>(radius);
      const tensor<float> opened = plain_extreme(plain_extreme(pixels, r, true), r, false);
      CAPTURE(radius, to_string(size));
      for (index i = 0; i < out.size(); ++i) {
        REQUIRE(out[i] == pixels[i] - opened[i]);
        REQUIRE(out[i] >= 0);
      }
    }
  }
}

TEST_CASE("top_hat takes a slope away and leaves objects", "[preprocess]") {
  context<cpu> ctx;
  tensor<float> pixels({64, 64, 1});
  for (index i = 0; i < 64; ++i)
    for (index j = 0; j < 64; ++j)
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
  for (index i = 0; i < pixels.size(); ++i) CHECK(whole[i] == pixels[i] - least);
}

}  // namespace aixcell
