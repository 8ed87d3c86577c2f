#include <aixcell/metrics/region_properties.hpp>
#include "metrics/label_images.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

/// Pixels whose centre is in the hull of all pixels' edge midpoints: a point is outside if some line through two of
/// the hull's points has it strictly on one side and no other point there. Cubic, and easy to believe.
index_t convex_area_plain(const label_map& labels, std::int32_t label) {
  std::vector<std::pair<index_t, index_t>> points;  // in half pixels
  for (index_t y = 0; y < labels.extent(0); ++y)
    for (index_t x = 0; x < labels.extent(1); ++x)
      if (labels(y, x) == label)
        for (const auto& [dy, dx] : {std::pair<index_t, index_t>{0, 1}, {0, -1}, {1, 0}, {-1, 0}})
          points.emplace_back(2 * y + dy, 2 * x + dx);
  const auto side = [](auto a, auto b, auto p) {
    return (b.first - a.first) * (p.second - a.second) - (b.second - a.second) * (p.first - a.first);
  };
  std::vector<std::pair<std::pair<index_t, index_t>, std::pair<index_t, index_t>>> edges;
  for (const auto& a : points)
    for (const auto& b : points) {
      if (a == b) continue;
      bool edge = true;
      for (const auto& p : points) edge = edge && side(a, b, p) >= 0;
      if (edge) edges.emplace_back(a, b);
    }
  index_t area = 0;
  for (index_t y = 0; y < labels.extent(0); ++y)
    for (index_t x = 0; x < labels.extent(1); ++x) {
      bool inside = true;
      for (const auto& [a, b] : edges) inside = inside && side(a, b, std::pair{2 * y, 2 * x}) >= 0;
      area += inside;
    }
  return area;
}

}  // namespace

TEST_CASE("measurements of drawn objects", "[metrics]") {
  const auto regions = measure_regions(drawn("......../.1111..2/.1111.2./.1111.../......9."));
  REQUIRE(regions.size() == 3);
  const auto& box = regions[0];
  CHECK(box.label == 1);
  CHECK(box.area == 12);
  CHECK(box.centroid_y == 2);
  CHECK(box.centroid_x == 2.5);
  CHECK(box.top == 1);
  CHECK(box.left == 1);
  CHECK(box.bottom == 4);
  CHECK(box.right == 5);
  CHECK(box.perimeter == 10);  // ten contour pixels, four of them corners: all straight steps
  CHECK(box.convex_area == 12);
  CHECK(box.solidity == 1);
  CHECK(box.major_axis == Approx(4 * std::sqrt(15.0 / 12)));  // variance of 4 pixels: (16 - 1) / 12
  CHECK(box.minor_axis == Approx(4 * std::sqrt(8.0 / 12)));
  CHECK(box.eccentricity == Approx(std::sqrt(1 - 8.0 / 15)));
  CHECK(box.orientation == Approx(std::numbers::pi / 2));
  CHECK(box.equivalent_diameter == Approx(std::sqrt(48 / std::numbers::pi)));

  const auto& diagonal = regions[1];  // runs from the upper right to the lower left
  CHECK(diagonal.orientation == Approx(-std::numbers::pi / 4));
  CHECK(diagonal.eccentricity == 1);
  CHECK(diagonal.minor_axis == 0);

  const auto& dot = regions[2];
  CHECK(dot.label == 9);
  CHECK(dot.perimeter == 0);
  CHECK(dot.major_axis == 0);
  CHECK(dot.eccentricity == 0);
  CHECK(dot.convex_area == 1);
}

TEST_CASE("perimeters by hand", "[metrics]") {
  const auto perimeter = [](std::string_view rows) { return measure_regions(drawn(rows))[0].perimeter; };
  CHECK(perimeter("111/111/111") == 8);  // touches the border of the image all around
  CHECK(perimeter("11/11") == 4);
  CHECK(perimeter(".1./111/.1.") == Approx(4 * std::numbers::sqrt2));  // the centre is no contour
  CHECK(perimeter("1./11") == Approx(1 + (1 + std::numbers::sqrt2)));  // a corner and two mixed steps
  CHECK(perimeter("12/11") == Approx(1 + (1 + std::numbers::sqrt2)));  // another object is outside
}

TEST_CASE("convex area", "[metrics]") {
  const auto convex = [](std::string_view rows) { return measure_regions(drawn(rows))[0].convex_area; };
  CHECK(convex("1../11.") == 3);
  CHECK(convex("1.1/1.1/111") == 9);  // the bay of a U is filled
  CHECK(convex("1../.../..1") == 3);  // the diagonal between two far pixels
  CHECK(convex("1....1") == 6);

  random_stream random(4);
  for (int round = 0; round < 60; ++round) {
    const auto labels = random_labels(random, {.height = 9, .width = 8, .objects = 3, .ignored = 0.2f});
    for (const auto& region : measure_regions(labels)) {
      CHECK(region.convex_area == convex_area_plain(labels, region.label));
      CHECK(region.solidity <= 1);
    }
  }
}

TEST_CASE("mean intensities", "[metrics]") {
  tensor<float> pixels({2, 3, 2});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i);
  const auto regions = measure_regions(drawn("1#2/12."), pixels);
  REQUIRE(regions.size() == 2);
  CHECK(regions[0].mean_intensity == std::vector<double>{3, 4});  // pixels 0 and 3
  CHECK(regions[1].mean_intensity == std::vector<double>{6, 7});  // pixels 2 and 4
  CHECK_THROWS_AS(measure_regions(drawn("1.2"), pixels), shape_error);
  CHECK(measure_regions(drawn(".#.")).empty());
}

TEST_CASE("labels with wide gaps are measured as those without", "[metrics]") {
  random_stream random(8);
  const auto near = random_labels(random, {.height = 40, .width = 50, .objects = 9, .ignored = 0.1f});
  auto far = near.clone();
  for (std::int32_t& label : far)
    if (label > 0) label = label * 200'000'000;
  const auto a = measure_regions(near), b = measure_regions(far);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(b[i].label == a[i].label * 200'000'000);
    CHECK(b[i].area == a[i].area);
    CHECK(b[i].perimeter == a[i].perimeter);
    CHECK(b[i].convex_area == a[i].convex_area);
    CHECK(b[i].orientation == a[i].orientation);
  }
}

TEST_CASE("65,536 objects are measured quickly", "[metrics]") {
  constexpr index_t side = 256, cell = 4;
  label_map labels({side * cell, side * cell});
  for (index_t y = 0; y < side * cell; ++y)
    for (index_t x = 0; x < side * cell; ++x) labels(y, x) = static_cast<std::int32_t>(y / cell * side + x / cell + 1);
  const auto regions = measure_regions(labels);
  REQUIRE(regions.size() == side * side);
  for (const auto& region : regions) REQUIRE(region.area == cell * cell);
  CHECK(regions.back().perimeter == 12);
}
