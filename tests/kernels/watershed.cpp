#include <aixcell/kernels/cpu/watershed.hpp>

#include <queue>
#include <tuple>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// The same with one priority queue: (level, time of arrival, pixel).
void flood(const tensor<float>& landscape, const tensor<std::uint8_t>& mask, label_map& labels) {
  const index_t height = landscape.extent(0), width = landscape.extent(1);
  using entry = std::tuple<int, index_t, index_t>;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> open;
  index_t time = 0;
  const auto level_of = [&](index_t p) { return std::min(255, static_cast<int>(landscape[p] * 256)); };
  for (index_t p = 0; p < labels.size(); ++p) {
    if (!mask[p]) labels[p] = 0;
    if (labels[p]) open.push({level_of(p), time++, p});
  }
  while (!open.empty()) {
    const auto [level, arrival, p] = open.top();
    open.pop();
    const index_t i = p / width, j = p % width;
    const index_t neighbours[4][2] = {{i - 1, j}, {i + 1, j}, {i, j - 1}, {i, j + 1}};
    for (const auto& [y, x] : neighbours) {
      if (y < 0 || y >= height || x < 0 || x >= width || !mask(y, x) || labels(y, x)) continue;
      labels(y, x) = labels[p];
      open.push({std::max(level, level_of(y * width + x)), time++, y * width + x});
    }
  }
}

}  // namespace

TEST_CASE("watershed floods as a priority queue does", "[kernels]") {
  context<cpu> ctx(2);
  random_stream random(2);
  for (const shape size : {shape{1, 1}, shape{1, 40}, shape{40, 1}, shape{31, 29}, shape{64, 50}, shape{150, 50}})
    for (const int steps : {1, 4, 1000}) {
      tensor<float> landscape(size);
      tensor<std::uint8_t> mask(size);
      label_map found(size);
      for (index_t p = 0; p < found.size(); ++p) {
        landscape[p] = static_cast<float>(random.below(steps)) / static_cast<float>(steps);
        mask[p] = random.chance(0.8f);
        found[p] = random.chance(0.02f) ? static_cast<std::int32_t>(1 + random.below(100)) : 0;
      }
      label_map expected = found.clone();
      flood(landscape, mask, expected);
      watershed(ctx, landscape, mask, found);
      CHECK(std::equal(found.begin(), found.end(), expected.begin()));
    }
}

TEST_CASE("watershed: floods meet on the ridge, and stay inside the mask", "[kernels]") {
  context<cpu> ctx(1);
  tensor<float> landscape({5, 21});
  tensor<std::uint8_t> mask({5, 21});
  label_map labels({5, 21});
  for (index_t i = 0; i < 5; ++i)
    for (index_t j = 0; j < 21; ++j) {
      landscape(i, j) = j == 14 ? 1.0f : 0.1f;  // far from the middle between the seeds
      mask(i, j) = i > 0;
    }
  labels(2, 1) = 7;
  labels(2, 19) = 3;
  labels(0, 5) = 4;  // a seed outside the mask is none
  watershed(ctx, landscape, mask, labels);
  for (index_t i = 1; i < 5; ++i) {
    CHECK(labels(i, 13) == 7);
    CHECK(labels(i, 15) == 3);
    CHECK(labels(i, 14) != 0);
  }
  for (index_t j = 0; j < 21; ++j) CHECK(labels(0, j) == 0);
  CHECK_THROWS_AS(watershed(ctx, tensor<float>({5, 20}), mask, labels), shape_error);
}

}  // namespace aixcell::test
