#include <aixcell/kernels/cpu/fill_holes.hpp>

#include <aixcell/core/random.hpp>

#include <set>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

label_map drawn(std::initializer_list<const char*> rows) {
  label_map labels({static_cast<index_t>(rows.size()), static_cast<index_t>(std::string_view(*rows.begin()).size())});
  index_t p = 0;
  for (const char* row : rows)
    for (; *row; ++row) labels[p++] = *row == '.' ? 0 : *row == '?' ? ignored_label : *row - '0';
  return labels;
}

/// Floods every part of the background pixel by pixel and looks at whom it meets.
void plain_fill(label_map& labels) {
  const index_t height = labels.extent(0), width = labels.extent(1);
  std::vector<char> seen(static_cast<std::size_t>(labels.size()), 0);
  const label_map before = labels.clone();
  for (index_t start = 0; start < labels.size(); ++start) {
    if (before[start] != 0 || seen[static_cast<std::size_t>(start)]) continue;
    std::vector<index_t> part{start};
    std::set<std::int32_t> met;
    bool at_edge = false;
    seen[static_cast<std::size_t>(start)] = 1;
    for (std::size_t k = 0; k < part.size(); ++k) {
      const index_t y = part[k] / width, x = part[k] % width;
      for (const auto& [dy, dx] : {std::pair<index_t, index_t>{0, 1}, {0, -1}, {1, 0}, {-1, 0}}) {
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) {
          at_edge = true;
          continue;
        }
        const index_t q = (y + dy) * width + x + dx;
        if (before[q] != 0) met.insert(before[q]);
        if (before[q] == 0 && !seen[static_cast<std::size_t>(q)])
          seen[static_cast<std::size_t>(q)] = 1, part.push_back(q);
      }
    }
    if (!at_edge && met.size() == 1 && *met.begin() > 0)
      for (const index_t p : part) labels[p] = *met.begin();
  }
}

}  // namespace

TEST_CASE("fill_holes equals a flood of every part", "[kernels]") {
  random_stream random(2);
  for (int round = 0; round < 200; ++round) {
    label_map labels({1 + random.below(40), 1 + random.below(40)});
    const float background = random.uniform(0.1f, 0.7f);
    const index_t objects = 1 + random.below(3), coarse = 1 + random.below(3);
    for (index_t i = 0; i < labels.extent(0); ++i)
      for (index_t j = 0; j < labels.extent(1); ++j)
        labels(i, j) = i % coarse ? labels(i - 1, j)
                       : random.uniform(0, 1) < background
                           ? 0
                           : static_cast<std::int32_t>(random.below(objects)) + (round % 9 ? 1 : -1);
    label_map expected = labels.clone();
    plain_fill(expected);
    fill_holes(labels);
    REQUIRE(std::equal(labels.begin(), labels.end(), expected.begin()));
  }
}

TEST_CASE("fill_holes fills what one object surrounds", "[kernels][cpu]") {
  label_map labels = drawn({"111..22222.",  //
                            "1.1..2...2.",  // two holes: one pixel, and one that is open at a corner only
                            "111..2.3.2.",  // an island: its ring touches two objects
                            ".....2...2.",  //
                            "444..22222.",  //
                            "4.4........",  // opens to the edge of the image below
                            "4.4.555....",  //
                            "....5.6....",  // two objects around it
                            "....566...."});
  const label_map expected = drawn({"111..22222.",  //
                                    "111..2...2.",  //
                                    "111..2.3.2.",  //
                                    ".....2...2.",  //
                                    "444..22222.",  //
                                    "4.4........",  //
                                    "4.4.555....",  //
                                    "....5.6....",  //
                                    "....566...."});
  fill_holes(labels);
  CHECK(std::equal(labels.begin(), labels.end(), expected.begin()));
}

TEST_CASE("fill_holes: any size, pixels nobody knows", "[kernels][cpu]") {
  for (const shape size : {shape{0, 3}, shape{1, 1}, shape{1, 9}, shape{9, 1}}) {
    label_map labels(size);
    fill_holes(labels);
    CHECK(std::all_of(labels.begin(), labels.end(), [](int l) { return l == 0; }));
  }
  label_map labels = drawn({"111", "1?1", "111"});
  fill_holes(labels);
  CHECK(labels[4] == ignored_label);  // not background: nothing is filled
  CHECK_THROWS_AS(fill_holes(label_map({3})), shape_error);
}

}  // namespace aixcell::test
