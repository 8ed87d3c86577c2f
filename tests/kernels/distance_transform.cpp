#include <aixcell/kernels/cpu/distance_transform.hpp>

#include <algorithm>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// The nearest pixel of another label by looking at all of them.
double nearest_outside(const label_map& labels, index_t i, index_t j) {
  const index_t height = labels.extent(0), width = labels.extent(1);
  if (labels(i, j) <= 0) return 0;
  double best = 1e30;
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x)
      if (labels(y, x) != labels(i, j))
        best = std::min(best, static_cast<double>((y - i) * (y - i) + (x - j) * (x - j)));
  return best < 1e29 ? std::sqrt(best) : static_cast<double>(std::min({i + 1, height - i, j + 1, width - j}));
}

double worst_error(const label_map& labels, int threads = 1) {
  context<cpu> ctx(threads);
  tensor<float> distance(labels.shape());
  distance.fill(55);
  distance_to_outside(ctx, labels, distance);
  double worst = 0;
  for (index_t i = 0; i < labels.extent(0); ++i)
    for (index_t j = 0; j < labels.extent(1); ++j)
      worst = std::max(worst, std::abs(nearest_outside(labels, i, j) - static_cast<double>(distance(i, j))));
  return worst;
}

}  // namespace

TEST_CASE("distance_to_outside is the distance to the nearest pixel of another label", "[kernels]") {
  random_stream random(3);
  for (const shape size : {shape{0, 7}, shape{7, 0}, shape{1, 1}, shape{1, 25}, shape{25, 1}, shape{19, 26}, shape{40, 33}, shape{3, 700}})
    for (const index_t block : {1, 3, 8, 20}) {
      // Blocks of random labels: background, ignored, and labels that occur in several places.
      label_map labels(size), blocks({size[0] / block + 1, size[1] / block + 1});
      for (std::int32_t& l : blocks) l = static_cast<std::int32_t>(random.below(5)) - 1;
      for (index_t i = 0; i < size[0]; ++i)
        for (index_t j = 0; j < size[1]; ++j) labels(i, j) = random.chance(0.02f) ? 0 : blocks(i / block, j / block);
      CHECK(worst_error(labels) < 1e-4);
      CHECK(worst_error(labels, 3) < 1e-4);
    }
}

TEST_CASE("distance_to_outside: one pixel away from everything, an object as large as the image", "[kernels]") {
  label_map labels({37, 45});
  labels.fill(4);
  CHECK(worst_error(labels) < 1e-6);
  labels(30, 2) = 0;
  CHECK(worst_error(labels) < 1e-4);
  labels.fill(0);
  labels(3, 3) = 9;
  CHECK(worst_error(labels) < 1e-6);
}

}  // namespace aixcell::test
