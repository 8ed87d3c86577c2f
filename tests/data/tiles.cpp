#include <aixcell/data/tiles.hpp>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("tiles cover an image of any size and stay inside it") {
  const aixcell::index_t sizes[] = {1, 2, 63, 64, 65, 100, 128, 129, 300};
  for (const aixcell::index_t height : sizes)
    for (const aixcell::index_t width : sizes)
      for (const tile_options options : {tile_options{64, 0}, tile_options{64, 16}, tile_options{64, 63}}) {
        if (options.overlap == 63 && height * width > 10000) continue;  // a tile per pixel
        std::vector<int> covered(static_cast<std::size_t>(height * width), 0);
        const auto tiles = tile_grid(height, width, options);
        for (std::size_t t = 0; t < tiles.size(); ++t) {
          const rectangle& r = tiles[t];
          REQUIRE(r.top >= 0);
          REQUIRE(r.left >= 0);
          REQUIRE(r.top + r.height <= height);
          REQUIRE(r.left + r.width <= width);
          REQUIRE(r.height == std::min<aixcell::index_t>(64, height));
          REQUIRE(r.width == std::min<aixcell::index_t>(64, width));
          if (t > 0 && r.top == tiles[t - 1].top) REQUIRE(tiles[t - 1].left + r.width - r.left >= options.overlap);
          for (aixcell::index_t y = 0; y < r.height; ++y)
            for (aixcell::index_t x = 0; x < r.width; ++x)
              ++covered[static_cast<std::size_t>((r.top + y) * width + r.left + x)];
        }
        REQUIRE(*std::min_element(covered.begin(), covered.end()) >= 1);
        if (height <= 64 && width <= 64) REQUIRE(tiles == std::vector<rectangle>{{0, 0, height, width}});
      }
  CHECK(tile_grid(100, 64, {64, 16}) == std::vector<rectangle>{{0, 0, 64, 64}, {36, 0, 64, 64}});
}

TEST_CASE("tiles that cannot be laid are refused") {
  CHECK_THROWS_AS(tile_grid(0, 5), shape_error);
  CHECK_THROWS_AS(tile_grid(5, 5, {64, 64}), shape_error);
  CHECK_THROWS_AS(tile_grid(5, 5, {64, -1}), shape_error);
}

TEST_CASE("blend weights are positive, symmetric and sum to 1 over regular tiles") {
  const auto weights = blend_weights(64, 48, 16);
  REQUIRE(weights.shape() == shape{64, 48});
  for (aixcell::index_t y = 0; y < 64; ++y)
    for (aixcell::index_t x = 0; x < 48; ++x) {
      REQUIRE(weights(y, x) > 0);
      REQUIRE(weights(y, x) <= 1);
      REQUIRE(weights(y, x) == weights(63 - y, 47 - x));
    }
  CHECK(weights(32, 24) == 1);
  for (aixcell::index_t y = 0; y < 16; ++y)  // the lower ramp of one tile on the upper ramp of the next
    CHECK(weights(48 + y, 24) + weights(y, 24) == Approx(1).margin(2e-3));
  for (const float w : blend_weights(7, 1, 100)) CHECK(w > 0);
  for (const float w : blend_weights(5, 5, 0)) CHECK(w == 1);
}

TEST_CASE("mirrored positions are those of numpy's reflect") {
  const aixcell::index_t expected[] = {3, 2, 1, 0, 1, 2, 3,
                                       4, 3, 2, 1, 0, 1, 2};  // numpy.pad(range(5), (3, 6), "reflect")
  for (aixcell::index_t i = -3; i < 11; ++i) CHECK(detail::reflected(i, 5) == expected[i + 3]);
  for (aixcell::index_t i = -9; i < 9; ++i) CHECK(detail::reflected(i, 1) == 0);
  for (aixcell::index_t i = -40; i < 40; ++i) CHECK(detail::reflected(i, 2) == std::abs(i) % 2);
}

TEST_CASE("a crop may reach beyond the image") {
  tensor<float> image({3, 4, 2});
  for (aixcell::index_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i);
  const rectangle where{-4, 2, 9, 7};
  const auto part = crop_reflected(image, where);
  REQUIRE(part.shape() == shape{9, 7, 2});
  for (aixcell::index_t y = 0; y < 9; ++y)
    for (aixcell::index_t x = 0; x < 7; ++x)
      for (aixcell::index_t c = 0; c < 2; ++c)
        CHECK(part(y, x, c) == image(detail::reflected(y - 4, 3), detail::reflected(x + 2, 4), c));

  label_map labels({2, 2});
  labels(1, 0) = 7;
  CHECK(crop_reflected(labels, {1, 0, 1, 1})(0, 0) == 7);
  CHECK(crop_reflected(labels, {0, -1, 2, 2})(1, 1) == 7);
  CHECK_THROWS_AS(crop_reflected(labels, {0, 0, 0, 1}), shape_error);
  CHECK_THROWS_AS(crop_reflected(tensor<float>({0, 3, 1}), {0, 0, 1, 1}), shape_error);
}
