#include <aixcell/kernels/cpu/resize.hpp>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Each target pixel as a weighted mean of all source pixels: a triangle per axis, in source pixels of half width
/// max(1, shrinkage), centred on the target pixel's centre.
double resized_at(const tensor<float>& image, index_t i, index_t j, index_t c, index_t height, index_t width) {
  const auto weight = [](index_t target, index_t to, index_t source, index_t from) {
    const double step = static_cast<double>(from) / static_cast<double>(to);
    const double centre = (static_cast<double>(target) + 0.5) * step - 0.5;
    return std::max(0.0, 1 - std::abs(static_cast<double>(source) - centre) / std::max(1.0, step));
  };
  double sum = 0, weights = 0;
  for (index_t y = 0; y < image.extent(0); ++y)
    for (index_t x = 0; x < image.extent(1); ++x) {
      const double w = weight(i, height, y, image.extent(0)) * weight(j, width, x, image.extent(1));
      sum += w * static_cast<double>(image(y, x, c));
      weights += w;
    }
  return sum / weights;
}

}  // namespace

TEST_CASE("resize_image interpolates linearly and averages when it shrinks", "[kernels]") {
  context<cpu> ctx;
  random_stream random(1);
  tensor<float> image({13, 17, 2});
  for (float& v : image) v = random.uniform(0, 100);
  for (const shape size : {shape{13, 17}, shape{1, 1}, shape{26, 34}, shape{5, 40}, shape{31, 4}, shape{7, 8}}) {
    const tensor<float> found = resize_image(ctx, image, size[0], size[1]);
    REQUIRE(found.shape() == shape{size[0], size[1], 2});
    double worst = 0;
    for (index_t i = 0; i < size[0]; ++i)
      for (index_t j = 0; j < size[1]; ++j)
        for (index_t c = 0; c < 2; ++c)
          worst = std::max(
              worst, std::abs(static_cast<double>(found(i, j, c)) - resized_at(image, i, j, c, size[0], size[1])));
    CHECK(worst < 1e-3);
  }
  const tensor<float> same = resize_image(ctx, image, 13, 17);
  CHECK(std::equal(same.begin(), same.end(), image.begin()));
}

TEST_CASE("resize: constants stay, one pixel fills, sizes are checked", "[kernels]") {
  context<cpu> ctx;
  tensor<float> one({1, 1, 3});
  for (index_t c = 0; c < 3; ++c) one[c] = static_cast<float>(c) + 0.25f;
  const tensor<float> large = resize_image(ctx, one, 9, 4);
  for (index_t p = 0; p < 36; ++p)
    for (index_t c = 0; c < 3; ++c) CHECK(large[3 * p + c] == Approx(one[c]));
  CHECK_THROWS_AS(resize_image(ctx, one, 0, 4), shape_error);
  CHECK_THROWS_AS(resize_labels(label_map({0, 4}), 3, 3), shape_error);
}

TEST_CASE("resize_labels takes the label at each pixel's centre", "[kernels]") {
  label_map labels({2, 3});
  for (index_t p = 0; p < 6; ++p) labels[p] = static_cast<std::int32_t>(p) - 1;
  const label_map twice = resize_labels(labels, 4, 6);
  for (index_t i = 0; i < 4; ++i)
    for (index_t j = 0; j < 6; ++j) CHECK(twice(i, j) == labels(i / 2, j / 2));
  const label_map back = resize_labels(twice, 2, 3);
  CHECK(std::equal(back.begin(), back.end(), labels.begin()));
  CHECK(resize_labels(labels, 1, 1)[0] == labels(1, 1));
}

}  // namespace aixcell::test
