#include <aixcell/quantify/contour.hpp>
#include <map>
#include "metrics/label_images.hpp"
#include "quantify/discs.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

double length_of(const std::vector<image_point>& polygon) {
  double sum = 0;
  for (std::size_t i = 0; i < polygon.size(); ++i)
    sum += distance_between(polygon[i], polygon[(i + 1) % polygon.size()]);
  return sum;
}

/// Number of parts of each label that hang together by sides or corners: flood fill.
std::map<std::int32_t, int> parts_of(label_map labels) {
  std::map<std::int32_t, int> parts;
  const index_t height = labels.extent(0), width = labels.extent(1);
  for (index_t start = 0; start < labels.size(); ++start) {
    const std::int32_t label = labels[start];
    if (label <= 0) continue;
    ++parts[label];
    std::vector<index_t> open{start};
    while (!open.empty()) {
      const index_t at = open.back();
      open.pop_back();
      if (labels[at] != label) continue;
      labels[at] = 0;
      for (index_t y = at / width - 1; y <= at / width + 1; ++y)
        for (index_t x = at % width - 1; x <= at % width + 1; ++x)
          if (y >= 0 && x >= 0 && y < height && x < width && labels(y, x) == label) open.push_back(y * width + x);
    }
  }
  return parts;
}

}  // namespace

TEST_CASE("outlines of drawn objects", "[quantify]") {
  SECTION("a ring has an outer outline and a hole") {
    const auto found = trace_contours(drawn("111/1.1/111"));
    REQUIRE(found.size() == 2);
    CHECK(found[0].area == 9);
    CHECK(found[1].area == -1);
    CHECK(found[0].corners.size() == 4);
    CHECK(found[0].corners[0] == image_point{-0.5, 2.5});
    CHECK(found[0].corners[3] == image_point{-0.5, -0.5});
  }
  SECTION("pixels that meet at a corner are one part") {
    const auto found = trace_contours(drawn("1../.1./..1"));
    REQUIRE(found.size() == 1);
    CHECK(found[0].area == 3);
    CHECK(length_of(found[0].corners) == 12);
  }
  SECTION("parts of one label come by size; labels in order; ignored pixels are outside") {
    const auto found = trace_contours(drawn("2.11/..11/2#2./22.."));
    REQUIRE(found.size() == 3);
    CHECK(found[0].label == 1);
    CHECK(found[1].label == 2);
    CHECK(found[1].area == 4);
    CHECK(found[2].area == 1);
  }
  SECTION("nothing, a pixel, a row") {
    CHECK(trace_contours(label_map({0, 0})).empty());
    CHECK(trace_contours(label_map({3, 3})).empty());
    CHECK(trace_contours(drawn("1"))[0].area == 1);
    CHECK(trace_contours(drawn("1111"))[0].area == 4);
  }
  SECTION("what is no label map") {
    CHECK_THROWS_AS(trace_contours(drawn("1").reshaped({1, 1, 1})), shape_error);
    label_map bad({1, 2});
    bad[0] = -2;
    CHECK_THROWS_AS(trace_contours(bad), data_error);
  }
}

TEST_CASE("outlines enclose exactly the pixels, along exactly their outer sides", "[quantify]") {
  random_stream random(3);
  for (int round = 0; round < 60; ++round) {
    const label_map labels = random_labels(
        random, {.height = 2 + random.below(14), .width = 2 + random.below(14), .objects = 5, .ignored = 0.25f});
    std::map<std::int32_t, double> area, sides, found_area, found_sides;
    std::map<std::int32_t, int> outer;
    const auto at = [&](index_t y, index_t x) {
      return y < 0 || x < 0 || y >= labels.extent(0) || x >= labels.extent(1) ? 0 : labels(y, x);
    };
    for (index_t y = 0; y < labels.extent(0); ++y)
      for (index_t x = 0; x < labels.extent(1); ++x)
        if (const auto l = labels(y, x); l > 0) {
          ++area[l];
          sides[l] += (at(y - 1, x) != l) + (at(y + 1, x) != l) + (at(y, x - 1) != l) + (at(y, x + 1) != l);
        }
    for (const contour& c : trace_contours(labels)) {
      found_area[c.label] += c.area;
      found_sides[c.label] += length_of(c.corners);
      outer[c.label] += c.area > 0;
    }
    REQUIRE(found_area == area);
    REQUIRE(found_sides == sides);
    REQUIRE(outer == parts_of(labels));
  }
}

TEST_CASE("the convex hull holds every point and has only corners", "[quantify]") {
  random_stream random(4);
  for (int round = 0; round < 40; ++round) {
    std::vector<image_point> points;
    const index_t count = random.below(20);
    for (index_t i = 0; i < count; ++i)
      points.push_back({static_cast<double>(random.below(8)), static_cast<double>(random.below(8))});
    const auto hull = convex_hull(points);
    for (const auto& h : hull) CHECK(std::find(points.begin(), points.end(), h) != points.end());
    if (hull.size() < 3) continue;
    for (std::size_t i = 0; i < hull.size(); ++i) {
      const auto &a = hull[i], &b = hull[(i + 1) % hull.size()];
      for (const auto& p : points) {
        const double side = (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
        CHECK(side >= 0);
        if (side == 0)  // on the edge: between its ends, and no corner of the hull
          CHECK((p == a || p == b || std::find(hull.begin(), hull.end(), p) == hull.end()));
      }
    }
  }
}

TEST_CASE("the middles of pixel sides", "[quantify]") {
  const auto square = without_stairs(trace_contours(drawn("11/11"))[0].corners);
  CHECK(square.size() == 8);
  CHECK(length_of(square) == Approx(4 + 4 * std::sqrt(0.5)));
  const auto slanted = without_stairs(trace_contours(drawn("1.../11../.11./..11/...1"))[0].corners);
  CHECK(slanted.size() == 18);
  CHECK(length_of(slanted) < 14);  // of 18 along the stairs
}

TEST_CASE("concavities of drawn objects", "[quantify]") {
  CHECK(concavities_of(trace_contours(drawn("111/111"))[0].corners).empty());
  const auto notch = concavities_of(trace_contours(drawn("1..1/1..1/1111"))[0].corners);
  REQUIRE(notch.size() == 1);
  CHECK(notch[0].depth == 2);
  const auto h = concavities_of(trace_contours(drawn("1.1/1.1/111/1.1"))[0].corners);
  REQUIRE(h.size() == 2);
  CHECK(h[0].depth == 2);
  CHECK(h[0].deepest.y == 1.5);
  CHECK(h[1].depth == 1);

  SECTION("two touching discs have two deep ones, a disc only those of its pixels") {
    using namespace aixcell::test;
    label_map two = with_ellipses(40, 60, {{20, 20, 10, 10, 0}});
    CHECK(concavities_of(trace_contours(two)[0].corners)[0].depth < 1);
    draw(two, {20, 38, 10, 10, 0}, 1);
    const auto bays = concavities_of(trace_contours(two)[0].corners);
    CHECK(bays[0].depth > 4);
    CHECK(bays[1].depth > 4);
    CHECK(bays[2].depth < 1);
  }
}
