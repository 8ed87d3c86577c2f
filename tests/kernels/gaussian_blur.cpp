#include <aixcell/kernels/cpu/gaussian_blur.hpp>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

index_t mirrored(index_t i, index_t extent) {
  while (i < 0 || i >= extent) i = extent == 1 ? 0 : i < 0 ? -i : 2 * (extent - 1) - i;
  return i;
}

/// Weighted sum over the square of three deviations around each pixel, in float64.
tensor<float> plain_blur(const tensor<float>& image, blur_deviations d) {
  const auto weight = [](index_t k, float deviation) {
    if (deviation <= 0) return k == 0 ? 1.0 : 0.0;
    const double t = static_cast<double>(k) / static_cast<double>(deviation);
    return std::exp(-0.5 * t * t);
  };
  const auto reach_y = static_cast<index_t>(std::ceil(3 * d.y)), reach_x = static_cast<index_t>(std::ceil(3 * d.x));
  tensor<float> out(image.shape());
  for (index_t y = 0; y < image.extent(0); ++y)
    for (index_t x = 0; x < image.extent(1); ++x)
      for (index_t c = 0; c < image.extent(2); ++c) {
        double sum = 0, total = 0;
        for (index_t i = -reach_y; i <= reach_y; ++i)
          for (index_t j = -reach_x; j <= reach_x; ++j) {
            const double w = weight(i, d.y) * weight(j, d.x);
            total += w;
            sum +=
                w * static_cast<double>(image(mirrored(y + i, image.extent(0)), mirrored(x + j, image.extent(1)), c));
          }
        out(y, x, c) = static_cast<float>(sum / total);
      }
  return out;
}

}  // namespace

TEST_CASE("gaussian_blur is a weighted mean of the surroundings, mirrored at the border", "[kernels][cpu]") {
  random_stream random(1);
  for (const shape size :
       {shape{1, 1, 1}, shape{1, 19, 2}, shape{17, 1, 1}, shape{2, 2, 3}, shape{14, 23, 3}, shape{67, 91, 1}})
    for (const blur_deviations d : {blur_deviations{0, 0}, {0.3f, 1.0f}, {2.5f, 0}, {0, 1.7f}, {1.2f, 1.2f}, {6, 9}}) {
      CAPTURE(to_string(size), d.y, d.x);
      tensor<float> image(size);
      for (float& v : image) v = random.uniform(-5, 5);
      const tensor<float> expected = plain_blur(image, d);
      tensor<float> found = image.clone();
      gaussian_blur(context<cpu>(1), found, d);
      for (const int threads : {2, 3}) {
        tensor<float> parallel = image.clone();
        gaussian_blur(context<cpu>(threads), parallel, d);
        CHECK(std::equal(found.begin(), found.end(), parallel.begin()));
      }
      for (index_t i = 0; i < found.size(); ++i)
        REQUIRE(static_cast<double>(found[i]) == Approx(static_cast<double>(expected[i])).margin(2e-5));
    }
}

TEST_CASE("gaussian_blur of a plane, of nothing, and of what is no image", "[kernels]") {
  const context<cpu> ctx(1);
  tensor<float> plane({5, 7}), image({5, 7, 1});
  plane(2, 3) = image(2, 3, 0) = 1;
  gaussian_blur(ctx, plane, {1, 2});
  gaussian_blur(ctx, image, {1, 2});
  CHECK(std::equal(plane.begin(), plane.end(), image.begin()));
  tensor<float> empty({0, 7, 1});
  gaussian_blur(ctx, empty, {1, 1});
  tensor<float> line({7});
  CHECK_THROWS_AS(gaussian_blur(ctx, line, {1, 1}), shape_error);
}

}  // namespace aixcell::test
