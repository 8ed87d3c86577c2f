#pragma once
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <aixcell/kernels/cpu/label_runs.hpp>
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

/// Neighbouring pixels of one object in a row.
struct object_run {
  index_t y, begin, end;
  std::size_t object;
};

/// Adds the perimeter of every object to `regions`. Each contour pixel counts by its contour neighbours: a straight
/// step is 1, a diagonal one sqrt(2), a corner the mean of both (the table of scikit-image's `perimeter`). `runs` in the
/// order of pixels.
inline void add_perimeters(label_view labels, const std::vector<object_run>& runs,
                           std::vector<region_properties>& regions) {
  const index_t height = labels.extent(0), width = labels.extent(1), pitch = width + 2;
  // Labels of the contour pixels of three rows, 0 elsewhere, with a column of nothing on either side.
  std::vector<std::int32_t> contours(static_cast<std::size_t>(3 * pitch), 0);
  const auto contour_row = [&](index_t y) { return contours.data() + (y + 3) % 3 * pitch + 1; };
  const auto mark_row = [&](index_t y, std::size_t next) {
    std::int32_t* const contour = contour_row(y);
    std::fill_n(contour, width, 0);
    for (; next < runs.size() && runs[next].y == y; ++next) {
      const auto [row, begin, end, object] = runs[next];
      const std::int32_t label = regions[object].label;
      if (y == 0 || y + 1 == height) {
        std::fill(contour + begin, contour + end, label);
        continue;
      }
      const std::int32_t *const above = labels.data() + (y - 1) * width, *const below = above + 2 * width;
      for (index_t x = begin; x < end; ++x) contour[x] = above[x] != label || below[x] != label ? label : 0;
      contour[begin] = contour[end - 1] = label;
    }
    return next;
  };

  std::array<double, 64> step_of{};
  constexpr double diagonal = std::numbers::sqrt2, mixed = (1 + std::numbers::sqrt2) / 2;
  for (const std::size_t code : {5, 7, 15, 17, 25, 27}) step_of[code] = 1;
  for (const std::size_t code : {21, 33}) step_of[code] = diagonal;
  for (const std::size_t code : {13, 23}) step_of[code] = mixed;
  std::size_t k = 0, marked = mark_row(0, 0);
  for (index_t y = 0; y < height; ++y) {
    marked = mark_row(y + 1, marked);  // of nothing below the image
    const std::int32_t *const above = contour_row(y - 1), *const here = contour_row(y),
                              *const below = contour_row(y + 1);
    for (; k < runs.size() && runs[k].y == y; ++k) {
      const std::int32_t label = regions[runs[k].object].label;
      double& perimeter = regions[runs[k].object].perimeter;
      for (index_t x = runs[k].begin; x < runs[k].end; ++x) {
        if (here[x] == 0) continue;
        const int straight =
            (above[x] == label) + (below[x] == label) + (here[x - 1] == label) + (here[x + 1] == label);
        const int slanted =
            (above[x - 1] == label) + (above[x + 1] == label) + (below[x - 1] == label) + (below[x + 1] == label);
        perimeter += step_of[static_cast<std::size_t>(1 + 2 * straight + 10 * slanted)];
      }
    }
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

  struct label_run {
    index_t y, begin, end;
    std::int32_t label;
  };
  std::vector<label_run> found;
  std::int32_t greatest = 0;
  for_each_label_run(labels, 0, height, [&](std::int32_t label, index_t begin, index_t end) {
    if (label == 0) return;
    detail::require_label(label);
    if (label == ignored_label) return;
    const index_t y = begin / width;
    found.push_back({y, begin - y * width, end - y * width, label});
    greatest = std::max(greatest, label);
  });
  // Numbers with wide gaps are looked up in a list, others, as nearly always, in a table.
  std::vector<std::int32_t> present;
  std::vector<std::uint32_t> position;
  if (greatest <= 8 * std::ssize(found) + 1024) {
    position.assign(static_cast<std::size_t>(greatest) + 1, 0);
    for (const label_run& r : found) position[static_cast<std::size_t>(r.label)] = 1;
    for (std::int32_t label = 1; label <= greatest; ++label)
      if (position[static_cast<std::size_t>(label)]) {
        position[static_cast<std::size_t>(label)] = static_cast<std::uint32_t>(present.size());
        present.push_back(label);
      }
  } else {
    for (const label_run& r : found) present.push_back(r.label);
    std::sort(present.begin(), present.end());
    present.erase(std::unique(present.begin(), present.end()), present.end());
  }
  const auto position_of = [&](std::int32_t label) {
    return position.empty() ? static_cast<std::size_t>(detail::position_of(present, label))
                            : std::size_t{position[static_cast<std::size_t>(label)]};
  };

  // Sums relative to the object's first pixel: whole numbers that a double holds exactly, in any order of adding.
  struct sums {
    double y = 0, x = 0, yy = 0, xx = 0, yx = 0;
    index_t first_y = 0, first_x = 0;
    std::vector<detail::row_extent> rows;
  };
  std::vector<region_properties> regions(present.size());
  std::vector<sums> moments(present.size());
  std::vector<detail::object_run> runs;
  runs.reserve(found.size());
  for (const auto [y, begin, end, label] : found) {
    const std::size_t i = position_of(label);
    runs.push_back({y, begin, end, i});
    region_properties& region = regions[i];
    sums& m = moments[i];
    if (region.area == 0) {
      region.label = label;
      region.left = m.first_x = begin;
      region.top = m.first_y = y;
      region.mean_intensity.assign(static_cast<std::size_t>(channels), 0.0);
    }
    region.area += end - begin;
    region.left = std::min(region.left, begin);
    region.right = std::max(region.right, end);
    region.bottom = y + 1;
    // Sums of d and d^2 from the first to the last column of the run.
    const index_t dy = y - m.first_y, from = begin - m.first_x, to = end - m.first_x, count = end - begin;
    const auto squares_below = [](index_t d) { return (d - 1) * d * (2 * d - 1) / 6; };
    const index_t sum = (from + to - 1) * count / 2, squares = squares_below(to) - squares_below(from);
    m.y += static_cast<double>(dy * count);
    m.x += static_cast<double>(sum);
    m.yy += static_cast<double>(dy * dy * count);
    m.xx += static_cast<double>(squares);
    m.yx += static_cast<double>(dy * sum);
    if (m.rows.empty() || m.rows.back().y != y)
      m.rows.push_back({y, begin, end - 1});
    else
      m.rows.back().right = end - 1;
    for (index_t x = begin; x < end && channels > 0; ++x)
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
  detail::add_perimeters(labels, runs, regions);
  return regions;
}

}  // namespace aixcell
