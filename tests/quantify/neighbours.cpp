#include <aixcell/quantify/neighbours.hpp>
#include <aixcell/core/random.hpp>
#include "support/catch.hpp"

using namespace aixcell;

namespace {

/// Every point with its distance, nearest first, equal distances in the order of the list.
std::vector<neighbour> all_by_distance(const std::vector<image_point>& points, const image_point& place) {
  std::vector<neighbour> all;
  for (std::size_t i = 0; i < points.size(); ++i)
    all.push_back({static_cast<index_t>(i), std::sqrt((points[i].y - place.y) * (points[i].y - place.y) +
                                                      (points[i].x - place.x) * (points[i].x - place.x))});
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.distance < b.distance; });
  return all;
}

}  // namespace

TEST_CASE("the kd-tree finds what looking at every point finds", "[quantify]") {
  random_stream random(5);
  for (const index_t count : {0, 1, 2, 9, 11, 300}) {
    std::vector<image_point> points;  // on a grid: many are equally far
    for (index_t i = 0; i < count; ++i)
      points.push_back({static_cast<double>(random.below(15)), static_cast<double>(random.below(15))});
    const point_index index(points);
    for (int query = 0; query < 30; ++query) {
      const image_point place{static_cast<double>(random.below(17)) - 1, static_cast<double>(random.below(17)) - 1};
      auto all = all_by_distance(points, place);
      for (const index_t k : {0, 1, 3, 20, 400}) {
        const auto found = index.nearest(place, k);
        REQUIRE(std::ssize(found) == std::min(k, count));
        for (std::size_t i = 0; i < found.size(); ++i) {
          REQUIRE(found[i].point == all[i].point);
          REQUIRE(found[i].distance == all[i].distance);
        }
      }
      for (const double radius : {0.0, 1.0, 5.0, 100.0}) {
        const auto found = index.within(place, radius);
        const auto inside =
            std::count_if(all.begin(), all.end(), [&](const neighbour& n) { return n.distance <= radius; });
        REQUIRE(std::ssize(found) == inside);
        for (std::size_t i = 0; i < found.size(); ++i) REQUIRE(found[i].point == all[i].point);
      }
      if (count > 0) {  // a point does not find itself where it is left out
        const index_t left_out = random.below(count);
        std::erase_if(all, [&](const neighbour& n) { return n.point == left_out; });
        const auto found = index.nearest(place, 4, left_out);
        REQUIRE(std::ssize(found) == std::min<index_t>(4, count - 1));
        for (std::size_t i = 0; i < found.size(); ++i) REQUIRE(found[i].point == all[i].point);
      }
    }
    CHECK(index.within({0, 0}, -1).empty());
  }
}
