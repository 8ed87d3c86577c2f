#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/metrics/overlap.hpp>

namespace aixcell {

/// A place in an image, in pixels; the centre of the first pixel is (0,0), its corners are (+-0.5, +-0.5).
struct image_point {
  double y = 0, x = 0;
  friend bool operator==(const image_point&, const image_point&) = default;
};

inline double distance_between(const image_point& a, const image_point& b) { return std::hypot(a.y - b.y, a.x - b.x); }

/// One closed outline of an object, along the edges of its pixels.
struct contour {
  std::int32_t label = 0;
  std::vector<image_point> corners;  ///< polygon, without the first point repeated; the object lies to the right
  double area = 0;                   ///< enclosed pixels; negative for the outline of a hole
};

/// Area of a polygon, positive if it is walked with the inside to the right (y points down).
inline double polygon_area(const std::vector<image_point>& polygon) {
  double twice = 0;
  for (std::size_t i = 0; i < polygon.size(); ++i) {
    const image_point &a = polygon[i], &b = polygon[(i + 1) % polygon.size()];
    twice += a.x * b.y - b.x * a.y;
  }
  return twice / 2;
}

/// Every outline in a label map [H,W], by label, then by area: the outer outline of an object's largest part comes first,
/// holes last. Crack following: the border runs between pixels, so that the areas of an object's outlines add up to its
/// pixels exactly and touching objects share their border. Pixels of one number that meet at a corner are one part.
/// Corners only: steps in one direction are one edge. Throws shape_error unless rank is 2, data_error on labels below -1.
/// Time linear in the pixels.
inline std::vector<contour> trace_contours(label_view labels) {
  require_rank("trace_contours", 2, "a label map [H,W]", labels.shape());
  const index_t height = labels.extent(0), width = labels.extent(1);
  const auto label_at = [&](index_t y, index_t x) {
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : labels[y * width + x];
  };
  // Every outline has an edge that runs east, which is the upper side of a pixel: marks on these tell what was walked.
  std::vector<char> walked(static_cast<std::size_t>(labels.size()), 0);
  std::vector<contour> found;
  constexpr index_t step_y[] = {0, 1, 0, -1}, step_x[] = {1, 0, -1, 0};  // east, south, west, north
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) {
      const std::int32_t label = labels[y * width + x];
      detail::require_label(label);
      if (label <= 0 || label_at(y - 1, x) == label || walked[static_cast<std::size_t>(y * width + x)]) continue;
      contour outline;
      outline.label = label;
      // Vertex (v,u) is the upper left corner of pixel (v,u).
      index_t v = y, u = x;
      int heading = 0;
      do {
        if (heading == 0) walked[static_cast<std::size_t>(v * width + u)] = 1;
        v += step_y[heading], u += step_x[heading];
        // The pixels ahead, to the left and to the right of the way.
        const index_t ahead_y = v - (heading == 3), ahead_x = u - (heading == 2);
        std::int32_t left = 0, right = 0;
        if (heading == 0) left = label_at(ahead_y - 1, ahead_x), right = label_at(ahead_y, ahead_x);
        if (heading == 1) left = label_at(ahead_y, ahead_x), right = label_at(ahead_y, ahead_x - 1);
        if (heading == 2) left = label_at(ahead_y, ahead_x), right = label_at(ahead_y - 1, ahead_x);
        if (heading == 3) left = label_at(ahead_y, ahead_x - 1), right = label_at(ahead_y, ahead_x);
        const int before = heading;
        if (left == label)
          heading = (heading + 3) % 4;
        else if (right != label)
          heading = (heading + 1) % 4;
        if (heading != before) outline.corners.push_back({static_cast<double>(v) - 0.5, static_cast<double>(u) - 0.5});
      } while (v != y || u != x || heading != 0);
      outline.area = polygon_area(outline.corners);
      found.push_back(std::move(outline));
    }
  std::stable_sort(found.begin(), found.end(), [](const contour& a, const contour& b) {
    return a.label != b.label ? a.label < b.label : a.area > b.area;
  });
  return found;
}

/// The polygon through the middles of all pixel sides of an outline: slanted edges lose their stairs, which are up to
/// 1.41 times too long.
inline std::vector<image_point> without_stairs(const std::vector<image_point>& corners) {
  std::vector<image_point> middles;
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const image_point &a = corners[i], &b = corners[(i + 1) % corners.size()];
    const double length = distance_between(a, b), y = (b.y - a.y) / length, x = (b.x - a.x) / length;
    for (double at = 0.5; at < length; ++at) middles.push_back({a.y + at * y, a.x + at * x});
  }
  return middles;
}

/// Convex hull of points as a polygon, inside to the right, no three corners on a line (Andrew 1979, monotone chain).
inline std::vector<image_point> convex_hull(std::vector<image_point> points) {
  std::sort(points.begin(), points.end(),
            [](const image_point& a, const image_point& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  points.erase(std::unique(points.begin(), points.end()), points.end());
  if (points.size() < 3) return points;
  const auto turns_right = [](const image_point& a, const image_point& b, const image_point& c) {
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x) > 0;
  };
  std::vector<image_point> hull;
  const auto add = [&](const image_point& p, std::size_t kept) {
    while (hull.size() > kept && !turns_right(hull[hull.size() - 2], hull.back(), p)) hull.pop_back();
    hull.push_back(p);
  };
  for (const image_point& p : points) add(p, 1);
  const std::size_t forward = hull.size();
  for (std::size_t i = points.size() - 1; i-- > 0;) add(points[i], forward);
  hull.pop_back();
  return hull;
}

/// A bay of a contour: the stretch between two neighbouring corners of the convex hull.
struct concavity {
  double depth = 0;     ///< of the deepest point, from the edge of the hull
  image_point deepest;  ///< that point
};

/// The concavities of an outer contour, deepest first, those of no depth left out. On pixels every slanted edge has bays
/// of up to 0.7 pixels: a threshold of one pixel tells real ones.
inline std::vector<concavity> concavities_of(const std::vector<image_point>& polygon) {
  const std::vector<image_point> hull = convex_hull(polygon);
  if (hull.size() < 3) return {};
  // Both run the same way round: hull corners come in the order in which the polygon has them.
  const std::size_t n = polygon.size();
  std::size_t start = 0;
  while (polygon[start] != hull[0]) ++start;
  std::vector<concavity> bays;
  std::size_t at = start;
  for (std::size_t h = 0; h < hull.size(); ++h) {
    const image_point a = hull[h], b = hull[(h + 1) % hull.size()];
    const double length = distance_between(a, b);
    concavity bay;
    std::size_t steps = 0;
    for (at = (at + 1) % n; polygon[at] != b && steps < n; at = (at + 1) % n, ++steps) {
      const image_point& p = polygon[at];
      const double depth = ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)) / length;
      if (depth > bay.depth) bay = {depth, p};
    }
    if (bay.depth > 0) bays.push_back(bay);
  }
  std::stable_sort(bays.begin(), bays.end(), [](const concavity& a, const concavity& b) { return a.depth > b.depth; });
  return bays;
}

}  // namespace aixcell
