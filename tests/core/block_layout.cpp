#include <aixcell/core/block_layout.hpp>

#include <aixcell/core/random.hpp>
#include "support/catch.hpp"

using namespace aixcell;

namespace {

constexpr std::size_t unit = 2 * block_layout::small_block;

block_layout::block placed(block_layout& layout, std::size_t size) {
  block_layout::block b{};
  REQUIRE(layout.place(size, b));
  return b;
}

}  // namespace

TEST_CASE("an empty layout has no place, a new segment has", "[core]") {
  block_layout layout;
  block_layout::block b{};
  CHECK_FALSE(layout.place(unit, b));
  CHECK(layout.next_segment(unit) == block_layout::least_segment);
  CHECK(layout.next_segment(3 * block_layout::least_segment) == 3 * block_layout::least_segment);
  layout.add_segment(4 * unit, unit);
  CHECK(layout.touched() == 0);
  CHECK(placed(layout, unit).offset == 0);
  CHECK(layout.touched() == unit);
  CHECK_FALSE(layout.place(4 * unit, b));
}

TEST_CASE("the smallest gap that is large enough is taken, fresh space last", "[core]") {
  block_layout layout;
  layout.add_segment(100 * unit, unit);
  std::vector<block_layout::block> row;
  for (const std::size_t size : {4, 1, 2, 1, 3, 1}) row.push_back(placed(layout, size * unit));
  for (const std::size_t gone : {0, 2, 4}) layout.remove(row[gone]);  // gaps of 4, 2 and 3
  CHECK(placed(layout, 2 * unit).offset == row[2].offset);
  CHECK(placed(layout, 2 * unit).offset == row[4].offset);
  CHECK(placed(layout, 4 * unit).offset == row[0].offset);
  CHECK(layout.touched() == 12 * unit);
  CHECK(placed(layout, 4 * unit).offset == 12 * unit);
  CHECK(layout.touched() == 16 * unit);
}

TEST_CASE("a gap at the end grows into fresh space by what is missing", "[core]") {
  block_layout layout;
  layout.add_segment(100 * unit, unit);
  placed(layout, unit);
  layout.remove(placed(layout, 2 * unit));
  CHECK(placed(layout, 3 * unit).offset == unit);
  CHECK(layout.touched() == 4 * unit);
}

TEST_CASE("blocks never overlap, and all that came back is one gap", "[core]") {
  random_stream random(1);
  block_layout layout;
  layout.add_segment(200 * unit, unit);
  std::vector<block_layout::block> live;
  for (int step = 0; step < 2000; ++step) {
    block_layout::block b{};
    if (live.size() < 40 && random.below(3) > 0 && layout.place((1 + random.below(5)) * unit, b)) {
      for (const auto& other : live)
        REQUIRE((b.offset + b.size <= other.offset || other.offset + other.size <= b.offset));
      live.push_back(b);
    } else if (!live.empty()) {
      std::swap(live[random.below(live.size())], live.back());
      layout.remove(live.back());
      live.pop_back();
    }
  }
  for (const auto& b : live) layout.remove(b);
  CHECK(placed(layout, 200 * unit).offset == 0);
}
