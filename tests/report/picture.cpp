#include <aixcell/report/picture.hpp>
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("display stretches each channel", "[report]") {
  tensor<float> gray({1, 5, 1});
  for (index_t i = 0; i < 5; ++i) gray[i] = 1000 + 10 * static_cast<float>(i);
  const auto picture = display(gray, {.low = 0, .high = 100});
  CHECK(picture.shape() == shape{1, 5, 3});
  for (index_t i = 0; i < 5; ++i)
    for (index_t c = 0; c < 3; ++c)
      CHECK(picture[3 * i + c] == static_cast<int>(std::lround(255 * static_cast<double>(i) / 4)));

  tensor<float> coloured({1, 2, 3});
  coloured[3] = 5;  // second pixel: red at its highest, green constant, blue at its highest
  coloured[5] = 0.5f;
  const auto shown = display(coloured, {.low = 0, .high = 100});
  CHECK(shown[3] == 255);
  CHECK(shown[4] == 0);
  CHECK(shown[5] == 255);

  tensor<float> dapi_membrane({1, 2, 2});
  dapi_membrane[0] = 1;  // first pixel nuclei, second pixel membrane
  dapi_membrane[3] = 1;
  const auto composite = display(dapi_membrane, {.low = 0, .high = 100});
  CHECK(composite[2] > composite[1]);  // blue
  CHECK(composite[4] > composite[5]);  // green

  CHECK(display(tensor<float>({2, 2, 7})).shape() == shape{2, 2, 3});
  CHECK(display(tensor<float>({0, 4, 1})).empty());
  CHECK_THROWS_AS(display(tensor<float>({2, 2})), shape_error);
  CHECK_THROWS_AS(display(tensor<float>({2, 2, 0})), shape_error);
}

TEST_CASE("one hot pixel does not darken the picture", "[report]") {
  tensor<float> pixels({40, 40, 1});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i % 100);
  pixels[7] = 60000;
  const auto picture = display(pixels);
  CHECK(picture[3 * 99] > 240);
}

TEST_CASE("large images shrink", "[report]") {
  CHECK(shrink_factor(100, 640) == 1);
  CHECK(shrink_factor(100, 641) == 2);
  CHECK(shrink_factor(3000, 100, {.longest_side = 500}) == 6);
  tensor<float> pixels({3, 5, 2});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i);
  const auto small = shrunk_image(pixels, 2);
  CHECK(small.shape() == shape{2, 3, 2});
  CHECK(small(0, 0, 0) == Approx((0 + 2 + 10 + 12) / 4.0));
  CHECK(small(1, 2, 1) == 29);  // a corner block of one pixel
  label_map labels({3, 5});
  labels(1, 3) = 9;
  CHECK(shrunk_labels(labels, 2)(0, 1) == 9);
  CHECK(shrunk_labels(labels, 2).shape() == shape{2, 3});
}

TEST_CASE("pictures side by side", "[report]") {
  rgb_picture a({2, 3, 3}), b({2, 1, 3});
  b.fill(7);
  const auto row = side_by_side({a, b});
  REQUIRE(row.shape() == shape{2, 8, 3});
  CHECK(row(1, 2, 0) == 0);
  CHECK(row(1, 3, 0) == 255);
  CHECK(row(1, 7, 2) == 7);
  CHECK_THROWS_AS(side_by_side({a, rgb_picture({1, 3, 3})}), shape_error);
  CHECK(side_by_side({}).empty());
}

TEST_CASE("small pictures are enlarged by a whole factor", "[report]") {
  rgb_picture small({2, 3, 3});
  for (index_t i = 0; i < small.size(); ++i) small[i] = static_cast<std::uint8_t>(i);
  const rgb_picture large = enlarged(small, 10);
  REQUIRE(large.shape() == shape{6, 9, 3});
  for (index_t i = 0; i < 6; ++i)
    for (index_t j = 0; j < 9; ++j)
      for (index_t c = 0; c < 3; ++c) REQUIRE(large(i, j, c) == small(i / 3, j / 3, c));
  CHECK(enlarged(small, 1).shape() == small.shape());
}
