#include <aixcell/preprocess/clahe.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

TEST_CASE("clahe: shapes, range, constant channels", "[preprocess]") {
  context<cpu> ctx;
  for (const int tiles : {1, 2, 8, 16}) {
    const clahe policy{.tiles = tiles};
    check_policy(policy, {});
    for (const shape& size : odd_shapes) {
      tensor<float> pixels = random_image(size, 5, -1000, 70000);
      for (const float v : policy.apply(ctx, pixels)) REQUIRE((v >= 0 && v <= 1));
      for (index_t i = 0; i < pixels.size(); i += size[2]) pixels[i] = 5;
      const tensor<float> out = policy.apply(ctx, pixels);
      for (index_t i = 0; i < out.size(); i += size[2]) REQUIRE(out[i] == 0);
    }
  }
}

TEST_CASE("clahe: brighter stays brighter inside a tile", "[preprocess]") {
  context<cpu> ctx;
  const tensor<float> pixels = random_image({37, 41, 1}, 2), out = clahe{.tiles = 1}.apply(ctx, pixels);
  std::vector<std::pair<float, float>> pairs;
  for (index_t i = 0; i < pixels.size(); ++i) pairs.emplace_back(pixels[i], out[i]);
  std::sort(pairs.begin(), pairs.end());
  for (std::size_t i = 1; i < pairs.size(); ++i) REQUIRE(pairs[i - 1].second <= pairs[i].second);
  CHECK(pairs.back().second == Approx(1));
}

TEST_CASE("clahe: one tile without a limit is histogram equalisation, the least limit leaves a straight line",
          "[preprocess]") {
  context<cpu> ctx;
  random_stream random(3);
  tensor<float> pixels({50, 60, 1});
  for (float& v : pixels) v = std::exp(random.normal());
  const auto [low, high] = std::minmax_element(pixels.begin(), pixels.end());
  const auto bin_of = [&, least = *low, most = *high](float v) {
    return std::min(255, static_cast<int>((v - least) / (most - least) * 256));
  };
  const tensor<float> equalised = clahe{.tiles = 1, .clip_limit = 1e9f}.apply(ctx, pixels),
                      straight = clahe{.tiles = 1, .clip_limit = 1}.apply(ctx, pixels);
  for (index_t i = 0; i < pixels.size(); i += 7) {
    index_t below = 0;  // pixels of this bin or a darker one
    double clipped = 0, excess = 0;
    for (const float v : pixels) below += bin_of(v) <= bin_of(pixels[i]);
    REQUIRE(equalised[i] == Approx(static_cast<double>(below) / 3000).epsilon(1e-5));
    // Every bin is cut at the flat height 3000 / 256, what is cut off goes to all bins alike.
    std::vector<double> histogram(256);
    for (const float v : pixels) ++histogram[static_cast<std::size_t>(bin_of(v))];
    for (std::size_t b = 0; b < 256; ++b) {
      const double cut = std::min(histogram[b], 3000 / 256.0);
      excess += histogram[b] - cut;
      if (static_cast<int>(b) <= bin_of(pixels[i])) clipped += cut;
    }
    REQUIRE(straight[i] == Approx((clipped + excess * (bin_of(pixels[i]) + 1) / 256) / 3000).epsilon(1e-5));
  }
}

TEST_CASE("clahe lifts contrast where the image is dim, and nothing jumps at the edges of tiles", "[preprocess]") {
  context<cpu> ctx;
  tensor<float> pixels({64, 64, 1});
  for (index_t i = 0; i < 64; ++i)
    for (index_t j = 0; j < 64; ++j)
      pixels(i, j, 0) = (j < 32 ? 20.0f : 200.0f) + 10.0f * static_cast<float>((i / 2 + j / 2) % 2);
  const tensor<float> out = clahe{.tiles = 4, .clip_limit = 50}.apply(ctx, pixels);
  CHECK(std::abs(out(30, 4, 0) - out(32, 4, 0)) > 2 * 10.0f / 190);
  tensor<float> ramp({64, 64, 1});
  for (index_t i = 0; i < 64; ++i)
    for (index_t j = 0; j < 64; ++j) ramp(i, j, 0) = static_cast<float>(i + j);
  const tensor<float> smooth = clahe{.tiles = 4}.apply(ctx, ramp);
  for (index_t i = 0; i < 64; ++i)
    for (index_t j = 1; j < 64; ++j) REQUIRE(std::abs(smooth(i, j, 0) - smooth(i, j - 1, 0)) < 0.1f);
}

TEST_CASE("clahe: a mirrored image gives the mirrored result", "[preprocess]") {
  context<cpu> ctx(1);
  const clahe policy{.tiles = 4};
  const tensor<float> pixels = random_image({32, 48, 1}, 9);  // tiles of equal size
  tensor<float> mirrored(pixels.shape());
  for (index_t i = 0; i < 32; ++i)
    for (index_t j = 0; j < 48; ++j) mirrored(i, j, 0) = pixels(31 - i, 47 - j, 0);
  const tensor<float> one = policy.apply(ctx, pixels), other = policy.apply(ctx, mirrored);
  for (index_t i = 0; i < 32; ++i)
    for (index_t j = 0; j < 48; ++j) REQUIRE(one(i, j, 0) == Approx(other(31 - i, 47 - j, 0)).margin(1e-5));
}

}  // namespace aixcell
