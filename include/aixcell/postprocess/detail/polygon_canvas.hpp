#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell::detail {

struct canvas_point {
  double y, x;
};

struct canvas_options {
  float most_overlap = 0.4f;  ///< share of the smaller of two polygons that both may cover
  index_t least_area = 1;     ///< pixels
};

/// A label map [H,W], 0 at first, that polygons are drawn into, each below those that came before.
class polygon_canvas {
 public:
  polygon_canvas(view<std::int32_t, cpu> labels, const canvas_options& options) : labels_(labels), options_(options) {}

  /// Draws a polygon as the next label, unless it is too small, overlaps one that came before too much, or is hidden
  /// below them entirely. Overlap is with the visible part of each. Returns whether it was drawn. Corners may lie
  /// outside the map; the area is what lies inside. Time linear in the area, whatever was drawn before.
  bool draw(std::span<const canvas_point> corners) {
    collect_runs(corners);
    index_t area = 0;
    for (const run& r : runs_) area += r.end - r.begin;
    if (area < std::max<index_t>(1, options_.least_area) || !is_free(area)) return false;
    areas_.push_back(area);
    shared_.push_back(0);
    const auto label = static_cast<std::int32_t>(areas_.size());
    for (const run& r : runs_)
      for (index_t p = r.begin; p < r.end; ++p)
        if (labels_[p] == 0) labels_[p] = label;
    return true;
  }

 private:
  struct run {
    index_t begin, end;  // pixels of the map, in one row
  };

  /// Whether the polygon at hand can be seen and covers nobody too much.
  bool is_free(index_t area) {
    bool visible = false, free = true;
    for (std::size_t k = 0; k < runs_.size() && free; ++k)
      for (index_t p = runs_[k].begin; p < runs_[k].end && free;) {
        const std::int32_t label = labels_[p];
        index_t end = p + 1;
        while (end < runs_[k].end && labels_[end] == label) ++end;
        if (label == 0) {
          visible = true;
        } else if (label > 0) {
          index_t& shared = shared_[static_cast<std::size_t>(label - 1)];
          if (shared == 0) touched_.push_back(label);
          shared += end - p;
          const auto smaller = static_cast<float>(std::min(area, areas_[static_cast<std::size_t>(label - 1)]));
          free = static_cast<float>(shared) <= options_.most_overlap * smaller;
        }
        p = end;
      }
    for (const std::int32_t label : touched_) shared_[static_cast<std::size_t>(label - 1)] = 0;
    touched_.clear();
    return visible && free;
  }

  /// Pixels whose centre lies inside, row by row (even-odd rule).
  void collect_runs(std::span<const canvas_point> corners) {
    runs_.clear();
    double low = corners[0].y, high = low;
    for (const canvas_point& c : corners) low = std::min(low, c.y), high = std::max(high, c.y);
    const index_t height = labels_.extent(0), width = labels_.extent(1);
    // First row at or below y and first row of the map at all; one beyond the last.
    const auto row_from = [&](double y) {
      return static_cast<index_t>(std::ceil(std::clamp(y, 0.0, static_cast<double>(height))));
    };
    const index_t first = row_from(low);
    const index_t rows =
        std::min<index_t>(height - 1, static_cast<index_t>(std::floor(std::min(high, static_cast<double>(height))))) -
        first + 1;
    if (rows <= 0) return;
    // Each side tells the rows that it crosses where.
    const std::size_t most = corners.size();
    crossings_.resize(static_cast<std::size_t>(rows) * most);
    crossing_count_.assign(static_cast<std::size_t>(rows), 0);
    for (std::size_t k = 0; k < corners.size(); ++k) {
      const canvas_point &a = corners[k], &b = corners[k + 1 < corners.size() ? k + 1 : 0];
      const index_t begin = row_from(std::min(a.y, b.y)), end = std::min(row_from(std::max(a.y, b.y)), first + rows);
      for (index_t i = begin; i < end; ++i) {
        const auto at = static_cast<std::size_t>(i - first);
        const auto y = static_cast<double>(i);
        crossings_[at * most + crossing_count_[at]++] = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
      }
    }
    for (index_t i = 0; i < rows; ++i) {
      double* const crossing = crossings_.data() + static_cast<std::size_t>(i) * most;
      const std::size_t count = crossing_count_[static_cast<std::size_t>(i)];
      if (count == 2) {  // nearly always
        if (crossing[1] < crossing[0]) std::swap(crossing[0], crossing[1]);
      } else {
        std::sort(crossing, crossing + count);
      }
      for (std::size_t k = 0; k + 1 < count; k += 2) {
        const index_t left = static_cast<index_t>(std::ceil(std::clamp(crossing[k], 0.0, static_cast<double>(width))));
        const index_t right =
            static_cast<index_t>(std::floor(std::clamp(crossing[k + 1], -1.0, static_cast<double>(width - 1))));
        if (left <= right) runs_.push_back({(first + i) * width + left, (first + i) * width + right + 1});
      }
    }
  }

  view<std::int32_t, cpu> labels_;
  canvas_options options_;
  std::vector<index_t> areas_;   // of label i + 1 as drawn, covered parts included
  std::vector<index_t> shared_;  // pixels of the polygon at hand that label i + 1 covers; 0 between calls
  std::vector<std::int32_t> touched_;
  std::vector<run> runs_;                    // of the polygon at hand
  std::vector<double> crossings_;            // [rows, corners]
  std::vector<std::size_t> crossing_count_;  // of each row
};

}  // namespace aixcell::detail
