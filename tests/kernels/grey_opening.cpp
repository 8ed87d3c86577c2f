#include <aixcell/kernels/cpu/grey_opening.hpp>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Least or greatest value in the square around each pixel, as far as it lies in the image: along rows, then columns.
tensor<float> square_extreme(const tensor<float>& image, index_t radius, bool least) {
  const auto better = [&](float a, float b) { return least ? std::min(a, b) : std::max(a, b); };
  tensor<float> along(image.shape()), out(image.shape());
  for (index_t i = 0; i < image.extent(0); ++i)
    for (index_t j = 0; j < image.extent(1); ++j)
      for (index_t c = 0; c < image.extent(2); ++c) {
        float best = image(i, j, c);
        for (index_t x = std::max<index_t>(0, j - radius); x <= std::min(image.extent(1) - 1, j + radius); ++x)
          best = better(best, image(i, x, c));
        along(i, j, c) = best;
      }
  for (index_t i = 0; i < image.extent(0); ++i)
    for (index_t j = 0; j < image.extent(1); ++j)
      for (index_t c = 0; c < image.extent(2); ++c) {
        float best = along(i, j, c);
        for (index_t y = std::max<index_t>(0, i - radius); y <= std::min(image.extent(0) - 1, i + radius); ++y)
          best = better(best, along(y, j, c));
        out(i, j, c) = best;
      }
  return out;
}

}  // namespace

TEST_CASE("grey_opening is an erosion and a dilation by a square", "[kernels][cpu]") {
  random_stream random(1);
  // The last ones are cut into tiles along rows and, with many threads, along columns.
  for (const shape size : {shape{1, 1, 1}, shape{1, 19, 2}, shape{17, 1, 1}, shape{14, 23, 3}, shape{67, 131, 1},
                           shape{1, 900, 3}, shape{150, 700, 3}})
    for (const index_t radius : {1, 2, 3, 5, 8, 30})
      for (const int threads : {1, 2, 7}) {
        CAPTURE(to_string(size), radius, threads);
        context<cpu> ctx(threads);
        tensor<float> image(size);
        for (float& v : image) v = random.uniform(-5, 5);
        const tensor<float> expected = square_extreme(square_extreme(image, radius, true), radius, false);
        const tensor<float> found = grey_opening(ctx, image, radius);
        CHECK(std::equal(found.begin(), found.end(), expected.begin()));
      }
}

TEST_CASE("grey_opening with radius 0 changes nothing", "[kernels][cpu]") {
  context<cpu> ctx;
  tensor<float> image({3, 4, 1});
  for (index_t p = 0; p < 12; ++p) image[p] = static_cast<float>(p * p % 7);
  const tensor<float> found = grey_opening(ctx, image, 0);
  CHECK(std::equal(found.begin(), found.end(), image.begin()));
  CHECK(found.data() != image.data());
  CHECK_THROWS_AS(grey_opening(ctx, tensor<float>({3, 4}), 1), shape_error);
}

}  // namespace aixcell::test
