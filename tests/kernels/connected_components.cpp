#include <aixcell/kernels/cpu/connected_components.hpp>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Numbers parts by flooding from each pixel in turn.
index_t flood(const tensor<std::uint8_t>& mask, connectivity kind, label_map& labels) {
  const index_t height = mask.extent(0), width = mask.extent(1);
  std::int32_t next = 0;
  for (index_t start = 0; start < mask.size(); ++start) {
    if (!mask[start] || labels[start]) continue;
    std::vector<index_t> open{start};
    labels[start] = ++next;
    while (!open.empty()) {
      const index_t i = open.back() / width, j = open.back() % width;
      open.pop_back();
      for (index_t di = -1; di <= 1; ++di)
        for (index_t dj = -1; dj <= 1; ++dj) {
          if (kind == connectivity::four && di != 0 && dj != 0) continue;
          const index_t y = i + di, x = j + dj;
          if (y < 0 || y >= height || x < 0 || x >= width || !mask(y, x) || labels(y, x)) continue;
          labels(y, x) = next;
          open.push_back(y * width + x);
        }
    }
  }
  return next;
}

}  // namespace

TEST_CASE("connected_components numbers what flooding numbers", "[kernels]") {
  random_stream random(1);
  for (const shape size : {shape{1, 1}, shape{1, 30}, shape{30, 1}, shape{2, 2}, shape{23, 31}, shape{64, 65}})
    for (const float density : {0.0f, 0.3f, 0.5f, 0.6f, 0.8f, 1.0f})
      for (const connectivity kind : {connectivity::four, connectivity::eight}) {
        tensor<std::uint8_t> mask(size);
        for (std::uint8_t& m : mask) m = random.chance(density);
        label_map found(size), expected(size);
        found.fill(77);
        const index_t count = flood(mask, kind, expected);
        CHECK(connected_components(mask, kind, found) == count);
        CHECK(std::equal(found.begin(), found.end(), expected.begin()));
      }
}

TEST_CASE("connected_parts are the components of each label alone", "[kernels]") {
  random_stream random(2);
  for (const shape size : {shape{1, 1}, shape{1, 30}, shape{30, 1}, shape{23, 31}})
    for (const connectivity kind : {connectivity::four, connectivity::eight}) {
      label_map labels(size), parts(size), together(size);
      for (std::int32_t& label : labels) label = static_cast<std::int32_t>(random.below(5)) - 1;
      const index_t count = connected_parts(labels, kind, parts);
      index_t expected = 0;
      for (std::int32_t label = 1; label < 4; ++label) {
        tensor<std::uint8_t> mask(size);
        label_map alone(size);
        for (index_t p = 0; p < mask.size(); ++p) mask[p] = labels[p] == label;
        flood(mask, kind, alone);
        for (index_t p = 0; p < mask.size(); ++p)
          if (mask[p]) together[p] = static_cast<std::int32_t>(expected) + alone[p];
        expected = std::max<index_t>(expected, *std::max_element(together.begin(), together.end()));
      }
      CHECK(count == expected);
      // The same parts, numbered by their first pixels.
      std::vector<std::int32_t> number(static_cast<std::size_t>(expected) + 1, 0);
      std::int32_t next = 0;
      for (index_t p = 0; p < parts.size(); ++p) {
        std::int32_t& n = number[static_cast<std::size_t>(together[p])];
        if (together[p] > 0 && n == 0) n = ++next;
        CHECK(parts[p] == n);
      }
    }
}

TEST_CASE("connected_components: spirals join late, corners only for eight neighbours", "[kernels]") {
  const char* spiral[] = {"#######", "......#", "#####.#", "#...#.#", "#.###.#", "#.....#", "#######"};
  tensor<std::uint8_t> mask({7, 7});
  for (index_t i = 0; i < 7; ++i)
    for (index_t j = 0; j < 7; ++j) mask(i, j) = spiral[i][j] == '#';
  label_map labels({7, 7});
  CHECK(connected_components(mask, connectivity::four, labels) == 1);
  tensor<std::uint8_t> board({8, 8});
  for (index_t p = 0; p < 64; ++p) board[p] = (p / 8 + p % 8) % 2 == 0;
  label_map fields({8, 8});
  CHECK(connected_components(board, connectivity::four, fields) == 32);
  CHECK(connected_components(board, connectivity::eight, fields) == 1);
  CHECK_THROWS_AS(connected_components(board, connectivity::four, labels), shape_error);
}

}  // namespace aixcell::test
