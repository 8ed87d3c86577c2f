#include <aixcell/core/view.hpp>

#include <array>
#include <type_traits>

#include "support/catch.hpp"

using namespace aixcell;

// Devices never mix, and const stays const.
static_assert(std::is_convertible_v<view<float, cpu>, view<const float, cpu>>);
static_assert(!std::is_convertible_v<view<const float, cpu>, view<float, cpu>>);
static_assert(!std::is_constructible_v<view<float, cpu>, view<float, dry>>);
static_assert(!std::is_constructible_v<view<const float, cpu>, view<float, dry>>);
static_assert(!std::is_convertible_v<view<int, cpu>, view<const float, cpu>>);
static_assert(std::is_trivially_copyable_v<view<float, cpu>>);

TEST_CASE("a view counts row-major, the last dimension contiguous", "[core]") {
  std::array<int, 24> numbers{};
  for (int i = 0; i < 24; ++i) numbers[static_cast<std::size_t>(i)] = i;
  const view<int, cpu> v(numbers.data(), {2, 3, 4});
  CHECK(v.size() == 24);
  CHECK(v(0, 0, 0) == 0);
  CHECK(v(0, 0, 3) == 3);
  CHECK(v(0, 2, 0) == 8);
  CHECK(v(1, 2, 3) == 23);
  CHECK(v[17] == 17);
  CHECK(v.end() - v.begin() == 24);
  v(1, 0, 2) = -1;
  CHECK(numbers[14] == -1);
}

TEST_CASE("slices and other shapes see the same elements", "[core]") {
  std::array<int, 120> numbers{};
  const view<int, cpu> batch(numbers.data(), {2, 3, 4, 5});
  CHECK(batch.slice(1).shape() == shape{3, 4, 5});
  CHECK(batch.slice(1).data() == numbers.data() + 60);
  CHECK(batch.slice(1).slice(2).slice(3).shape() == shape{5});
  CHECK(&batch.slice(1).slice(2).slice(3)[4] == &batch(1, 2, 3, 4));
  CHECK(batch.reshaped({120}).data() == batch.data());
  CHECK(batch.reshaped({6, 20})(1, 2) == batch[22]);
}

TEST_CASE("a dry view has a shape and no elements", "[core]") {
  const view<float, dry> v(nullptr, {8, 1000, 1000, 3});
  CHECK(v.size() == 24'000'000);
  CHECK(v.slice(7).shape() == shape{1000, 1000, 3});
  CHECK(v.slice(7).data() == nullptr);
}

TEST_CASE("a view of nothing is empty", "[core]") {
  CHECK(view<float, cpu>().empty());
  CHECK(view<float, cpu>(nullptr, {0, 5, 5, 1}).empty());
}
