#pragma once
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <aixcell/metrics/overlap.hpp>

namespace aixcell {

/// Measurements of one object, in pixels and radians, defined as scikit-image's `regionprops` defines them.
struct region_properties {
  std::int32_t label = 0;
  index_t area = 0;
  double centroid_y = 0, centroid_x = 0;             ///< of pixel centres; the first pixel's centre is (0,0)
  index_t top = 0, left = 0, bottom = 0, right = 0;  ///< bounding box, bottom and right one past the last pixel
  double perimeter = 0;                              ///< 4-connected contour, Benkrid and Crookes 2000
  double major_axis = 0, minor_axis = 0;             ///< full axes of the ellipse with equal second moments
  double eccentricity = 0;                           ///< of that ellipse, 0 (circle) to 1 (line)
  double orientation = 0;                            ///< of the major axis from the vertical, (-pi/2, pi/2], 0 if round
  index_t convex_area = 0;                           ///< pixels whose centre is in the convex hull of all pixel edges
  double solidity = 1;                               ///< area / convex_area
  double equivalent_diameter = 0;                    ///< of the circle of equal area
  std::vector<double> mean_intensity;                ///< one per channel; empty without an image
};

namespace detail {

/// Leftmost and rightmost pixel of an object in one row.
struct row_extent {
  index_t y, left, right;
};

struct hull_point {
  index_t y, x;  // in half pixels
};

/// Lower convex envelope of x over y; points come in ascending y.
inline void add_to_envelope(std::vector<hull_point>& hull, hull_point p) {
  if (!hull.empty() && hull.back().y == p.y) {
    if (hull.back().x <= p.x) return;
    hull.pop_back();
  }
  while (hull.size() >= 2) {
    const hull_point a = hull[hull.size() - 2], b = hull.back();
    if ((b.x - a.x) * (p.y - a.y) < (p.x - a.x) * (b.y - a.y)) break;
    hull.pop_back();
  }
  hull.push_back(p);
}

/// For rows y = first, first + 1, ...: calls row(y, least integer >= envelope(2 y) / 2).
template <class Function>
void for_each_row_bound(const std::vector<hull_point>& hull, index_t first, index_t last, Function&& row) {
  std::size_t segment = 0;
  for (index_t y = first; y <= last; ++y) {
    while (hull[segment + 1].y < 2 * y) ++segment;
    const hull_point a = hull[segment], b = hull[segment + 1];
    const index_t numerator = a.x * (b.y - a.y) + (b.x - a.x) * (2 * y - a.y);
    const index_t denominator = 2 * (b.y - a.y);
    index_t bound = numerator / denominator;
    if (numerator % denominator > 0) ++bound;  // division truncates towards zero
    row(y, bound);
  }
}

/// Pixels whose centre lies in the convex hull (border included) of the midpoints of all pixel edges, as
/// scikit-image's `convex_hull_image`; exact, in integers. `rows` in ascending y.
inline index_t convex_area(const std::vector<row_extent>& rows) {
  std::vector<hull_point> left, right;  // the right side mirrored, so that one envelope serves both
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [y, l, r] = rows[i];
    add_to_envelope(left, {2 * y - 1, 2 * l});
    add_to_envelope(left, {2 * y, 2 * l - 1});
    add_to_envelope(left, {2 * y + 1, 2 * l});
    add_to_envelope(right, {2 * y - 1, -2 * r});
    add_to_envelope(right, {2 * y, -2 * r - 1});
    add_to_envelope(right, {2 * y + 1, -2 * r});
  }
  const index_t first = rows.front().y, last = rows.back().y;
  index_t area = 0;
  for_each_row_bound(left, first, last, [&](index_t, index_t bound) { area += 1 - bound; });
  for_each_row_bound(right, first, last, [&](index_t, index_t bound) { area -= bound; });
  return area;
}

/// Adds the perimeter of every object to `regions`. Each contour pixel counts by its contour neighbours: a straight
/// step is 1, a diagonal one sqrt(2), a corner the mean of both (the table of scikit-image's `perimeter`).
template <class Position>
void add_perimeters(label_view labels, std::vector<region_properties>& regions, Position&& position) {
  const index_t height = labels.extent(0), width = labels.extent(1);
  const auto label_at = [&](index_t y, index_t x) {
    return y < 0 || x < 0 || y >= height || x >= width ? 0 : labels[y * width + x];
  };
  std::vector<char> contour(static_cast<std::size_t>(labels.size()), 0);
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) {
      const std::int32_t label = labels[y * width + x];
      contour[static_cast<std::size_t>(y * width + x)] =
          label > 0 && (label_at(y - 1, x) != label || label_at(y + 1, x) != label || label_at(y, x - 1) != label ||
                        label_at(y, x + 1) != label);
    }

  constexpr double diagonal = std::numbers::sqrt2, mixed = (1 + std::numbers::sqrt2) / 2;
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) {
      if (!contour[static_cast<std::size_t>(y * width + x)]) continue;
      const std::int32_t label = labels[y * width + x];
      int code = 1;
      for (index_t dy = -1; dy <= 1; ++dy)
        for (index_t dx = -1; dx <= 1; ++dx)
          if ((dy || dx) && label_at(y + dy, x + dx) == label &&
              contour[static_cast<std::size_t>((y + dy) * width + x + dx)])
            code += dy && dx ? 10 : 2;
      double step = 0;
      if (code == 5 || code == 7 || code == 15 || code == 17 || code == 25 || code == 27) step = 1;
      if (code == 21 || code == 33) step = diagonal;
      if (code == 13 || code == 23) step = mixed;
      regions[static_cast<std::size_t>(position(label))].perimeter += step;
    }
}

}  // namespace detail

/// Measures every object of a label map [H,W], in ascending order of labels; ignored pixels belong to no object.
/// `pixels` [H,W,C], if given, adds mean intensities. Throws shape_error if the sizes differ, data_error on labels
/// below -1. A few passes over the map, whatever the number of objects.
inline std::vector<region_properties> measure_regions(label_view labels, view<const float, cpu> pixels = {}) {
  require_rank("measure_regions", 2, "a label map [H,W]", labels.shape());
  const index_t height = labels.extent(0), width = labels.extent(1);
  index_t channels = 0;
  if (pixels.shape().rank() != 0) {
    require_rank("measure_regions", 3, "an image [H,W,C]", pixels.shape());
    channels = pixels.extent(2);
    require_shape("measure_regions", {height, width, channels}, pixels.shape());
  }

  std::vector<std::int32_t> present;
  for (index_t i = 0; i < labels.size(); ++i) {
    if (i > 0 && labels[i] == labels[i - 1]) continue;
    detail::require_label(labels[i]);
    if (labels[i] > 0) present.push_back(labels[i]);
  }
  std::sort(present.begin(), present.end());
  present.erase(std::unique(present.begin(), present.end()), present.end());
  auto position = [&present, label = std::int32_t{0}, found = index_t{-1}](std::int32_t wanted) mutable {
    if (wanted != label) found = detail::position_of(present, label = wanted);  // neighbours mostly agree
    return found;
  };

  // Sums relative to the object's first pixel: whole numbers that a double holds exactly.
  struct sums {
    double y = 0, x = 0, yy = 0, xx = 0, yx = 0;
    index_t first_y = 0, first_x = 0;
    std::vector<detail::row_extent> rows;
  };
  std::vector<region_properties> regions(present.size());
  std::vector<sums> moments(present.size());
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) {
      const std::int32_t label = labels[y * width + x];
      if (label <= 0) continue;
      const auto i = static_cast<std::size_t>(position(label));
      region_properties& region = regions[i];
      sums& m = moments[i];
      if (region.area++ == 0) {
        region.label = label;
        region.left = region.right = m.first_x = x;
        region.top = m.first_y = y;
        region.mean_intensity.assign(static_cast<std::size_t>(channels), 0.0);
      }
      region.left = std::min(region.left, x);
      region.right = std::max(region.right, x + 1);
      region.bottom = y + 1;
      const double dy = static_cast<double>(y - m.first_y), dx = static_cast<double>(x - m.first_x);
      m.y += dy;
      m.x += dx;
      m.yy += dy * dy;
      m.xx += dx * dx;
      m.yx += dy * dx;
      if (m.rows.empty() || m.rows.back().y != y)
        m.rows.push_back({y, x, x});
      else
        m.rows.back().right = x;
      for (index_t c = 0; c < channels; ++c)
        region.mean_intensity[static_cast<std::size_t>(c)] +=
            static_cast<double>(pixels[(y * width + x) * channels + c]);
    }

  for (std::size_t i = 0; i < regions.size(); ++i) {
    region_properties& region = regions[i];
    const sums& m = moments[i];
    const double n = static_cast<double>(region.area);
    region.centroid_y = static_cast<double>(m.first_y) + m.y / n;
    region.centroid_x = static_cast<double>(m.first_x) + m.x / n;
    for (double& mean : region.mean_intensity) mean /= n;
    const double vertical = (n * m.yy - m.y * m.y) / (n * n), horizontal = (n * m.xx - m.x * m.x) / (n * n),
                 mixed = (n * m.yx - m.y * m.x) / (n * n);
    const double root = std::hypot(2 * mixed, vertical - horizontal);
    const double larger = (vertical + horizontal + root) / 2;
    const double smaller = std::max(0.0, (vertical + horizontal - root) / 2);
    region.major_axis = 4 * std::sqrt(larger);
    region.minor_axis = 4 * std::sqrt(smaller);
    region.eccentricity = larger > 0 ? std::sqrt(1 - smaller / larger) : 0;
    region.orientation = std::atan2(2 * mixed, vertical - horizontal) / 2;
    region.convex_area = detail::convex_area(m.rows);
    region.solidity = n / static_cast<double>(region.convex_area);
    region.equivalent_diameter = std::sqrt(4 * n / std::numbers::pi);
  }
  detail::add_perimeters(labels, regions, position);
  return regions;
}

}  // namespace aixcell
