#include <aixcell/core/shape.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace aixcell;
using Catch::Matchers::Contains;

namespace {
struct has_shape {
  aixcell::shape extents;
  const aixcell::shape& shape() const { return extents; }
};
}  // namespace

TEST_CASE("a shape counts its elements", "[core]") {
  STATIC_REQUIRE(shape{2, 3, 5, 7}.count() == 210);
  STATIC_REQUIRE(shape{9}.count() == 9);
  STATIC_REQUIRE(shape{4, 0, 3}.count() == 0);
  STATIC_REQUIRE(shape{}.count() == 0);
  // More elements than 32 bits can count.
  STATIC_REQUIRE(shape{70'000, 70'000, 3}.count() == 14'700'000'000);
}

TEST_CASE("shapes are equal when rank and extents are", "[core]") {
  STATIC_REQUIRE(shape{2, 3} == shape{2, 3});
  STATIC_REQUIRE(shape{2, 3} != shape{3, 2});
  STATIC_REQUIRE(shape{2, 3} != shape{2, 3, 1});
  STATIC_REQUIRE(shape{0} != shape{});
  shape s{2, 3};
  s[1] = 4;
  CHECK(s == shape{2, 4});
  CHECK(s.rank() == 2);
}

TEST_CASE("a shape as text", "[core]") {
  CHECK(to_string(shape{4, 256, 256, 1}) == "[4,256,256,1]");
  CHECK(to_string(shape{7}) == "[7]");
  CHECK(to_string(shape{}) == "[]");
}

TEST_CASE("shapes that do not fit are named with both sizes", "[core]") {
  const has_shape a{{2, 3}}, b{{2, 4}};
  CHECK_NOTHROW(require_equal_shapes("add", a, a, a));
  CHECK_THROWS_AS(require_equal_shapes("add", a, a, b), shape_error);
  CHECK_THROWS_WITH(require_equal_shapes("add", a, b), "add: expected shape [2,3], found [2,4]");
  CHECK_NOTHROW(require_shape("load", {2, 3}, a.shape()));
  CHECK_THROWS_WITH(require_shape("load", {2, 3}, b.shape()), "load: expected shape [2,3], found [2,4]");
  CHECK_NOTHROW(require_rank("apply", 2, "a label map [H,W]", a.shape()));
  CHECK_THROWS_WITH(require_rank("apply", 3, "an image [H,W,C]", a.shape()),
                    Contains("an image [H,W,C]") && Contains("[2,3]"));
}
