#include <aixcell/postprocess/detail/polygon_canvas.hpp>

#include <numbers>
#include <set>

#include "postprocess/objects.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

using detail::canvas_point;

/// Crossings of a ray to the left, corner by corner (W. R. Franklin's pnpoly).
bool is_inside(const std::vector<canvas_point>& corners, double y, double x) {
  bool inside = false;
  for (std::size_t k = 0, last = corners.size() - 1; k < corners.size(); last = k++) {
    const canvas_point &a = corners[k], &b = corners[last];
    if ((a.y > y) != (b.y > y) && x > a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x)) inside = !inside;
  }
  return inside;
}

std::vector<canvas_point> random_star(random_stream& random, index_t height, index_t width, float least,
                                      float greatest) {
  const double y = static_cast<double>(random.uniform(-3, static_cast<float>(height + 3))),
               x = static_cast<double>(random.uniform(-3, static_cast<float>(width + 3)));
  std::vector<canvas_point> corners;
  for (int k = 0; k < 16; ++k) {
    const double d = static_cast<double>(random.uniform(least, greatest)), angle = 2 * std::numbers::pi * k / 16;
    corners.push_back({y + d * std::sin(angle), x + d * std::cos(angle)});
  }
  return corners;
}

}  // namespace

TEST_CASE("polygon_canvas keeps what suppression by all pairs keeps", "[postprocess]") {
  constexpr index_t height = 40, width = 52;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    random_stream random(seed);
    const detail::canvas_options options{.most_overlap = random.uniform(0.1f, 0.8f),
                                         .least_area = 1 + random.below(12)};
    label_map labels({height, width}), expected({height, width});
    detail::polygon_canvas canvas(labels, options);
    std::vector<std::set<index_t>> kept;
    int refused = 0;
    for (int n = 0; n < 150; ++n) {
      const float size = random.uniform(1, 10);
      const std::vector<canvas_point> corners = random_star(random, height, width, 0.5f * size, size);
      std::set<index_t> pixels;
      for (index_t i = 0; i < height; ++i)
        for (index_t j = 0; j < width; ++j)
          if (is_inside(corners, static_cast<double>(i), static_cast<double>(j))) pixels.insert(i * width + j);
      bool keep = static_cast<index_t>(pixels.size()) >= options.least_area;
      index_t visible = 0;
      for (const index_t p : pixels) visible += expected[p] == 0;
      // What earlier polygons share with this one counts where they can be seen: below others they are not drawn.
      for (std::size_t k = 0; k < kept.size(); ++k) {
        index_t shared = 0;
        for (const index_t p : pixels) shared += expected[p] == static_cast<std::int32_t>(k + 1);
        if (static_cast<float>(shared) >
            options.most_overlap * static_cast<float>(std::min(pixels.size(), kept[k].size())))
          keep = false;
      }
      keep = keep && visible > 0;
      REQUIRE(canvas.draw(corners) == keep);
      refused += !keep;
      if (!keep) continue;
      kept.push_back(pixels);
      for (const index_t p : pixels)
        if (expected[p] == 0) expected[p] = static_cast<std::int32_t>(kept.size());
    }
    CHECK(refused > 20);
    CHECK(kept.size() > 10);
    CHECK(std::equal(labels.begin(), labels.end(), expected.begin()));
  }
}

TEST_CASE("polygon_canvas: nothing, all, and far away", "[postprocess]") {
  label_map labels({6, 7});
  detail::polygon_canvas canvas(labels, {});
  const std::vector<canvas_point> point(5, {2, 2}), far{{100, 100}, {100, 110}, {110, 100}},
      large{{-1e6, -1e6}, {-1e6, 1e6}, {1e6, 1e6}, {1e6, -1e6}};
  CHECK_FALSE(canvas.draw(point));
  CHECK_FALSE(canvas.draw(far));
  CHECK(canvas.draw(large));
  CHECK(std::all_of(labels.begin(), labels.end(), [](int l) { return l == 1; }));
  CHECK_FALSE(canvas.draw(large));
}

}  // namespace aixcell::test
