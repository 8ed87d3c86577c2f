#pragma once
#include <algorithm>
#include <cmath>
#include <span>
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
    collect_pixels(corners);
    if (static_cast<index_t>(pixels_.size()) < std::max<index_t>(1, options_.least_area)) return false;
    touched_.clear();
    index_t visible = 0;
    for (const index_t p : pixels_) {
      const std::int32_t label = labels_[p];
      if (label == 0) ++visible;
      if (label > 0 && shared_[static_cast<std::size_t>(label - 1)]++ == 0) touched_.push_back(label);
    }
    bool free = visible > 0;
    const auto area = static_cast<float>(pixels_.size());
    for (const std::int32_t label : touched_) {
      index_t& shared = shared_[static_cast<std::size_t>(label - 1)];
      const float smaller = std::min(area, static_cast<float>(areas_[static_cast<std::size_t>(label - 1)]));
      free = free && static_cast<float>(shared) <= options_.most_overlap * smaller;
      shared = 0;
    }
    if (!free) return false;
    areas_.push_back(static_cast<index_t>(pixels_.size()));
    shared_.push_back(0);
    const auto label = static_cast<std::int32_t>(areas_.size());
    for (const index_t p : pixels_)
      if (labels_[p] == 0) labels_[p] = label;
    return true;
  }

 private:
  /// Pixels whose centre lies inside, row by row (even-odd rule).
  void collect_pixels(std::span<const canvas_point> corners) {
    pixels_.clear();
    double low = corners[0].y, high = low;
    for (const canvas_point& c : corners) low = std::min(low, c.y), high = std::max(high, c.y);
    const index_t height = labels_.extent(0), width = labels_.extent(1);
    const index_t first = std::max<index_t>(0, static_cast<index_t>(std::ceil(std::max(low, -1.0))));
    const index_t last =
        std::min<index_t>(height - 1, static_cast<index_t>(std::floor(std::min(high, static_cast<double>(height)))));
    for (index_t i = first; i <= last; ++i) {
      crossings_.clear();
      const auto y = static_cast<double>(i);
      for (std::size_t k = 0; k < corners.size(); ++k) {
        const canvas_point &a = corners[k], &b = corners[(k + 1) % corners.size()];
        if ((a.y <= y) != (b.y <= y)) crossings_.push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x));
      }
      std::sort(crossings_.begin(), crossings_.end());
      for (std::size_t k = 0; k + 1 < crossings_.size(); k += 2) {
        const index_t left =
            static_cast<index_t>(std::ceil(std::clamp(crossings_[k], 0.0, static_cast<double>(width))));
        const index_t right =
            static_cast<index_t>(std::floor(std::clamp(crossings_[k + 1], -1.0, static_cast<double>(width - 1))));
        for (index_t j = left; j <= right; ++j) pixels_.push_back(i * width + j);
      }
    }
  }

  view<std::int32_t, cpu> labels_;
  canvas_options options_;
  std::vector<index_t> areas_;   // of label i + 1 as drawn, covered parts included
  std::vector<index_t> shared_;  // pixels of the polygon at hand that label i + 1 covers; 0 between calls
  std::vector<std::int32_t> touched_;
  std::vector<index_t> pixels_;
  std::vector<double> crossings_;
};

}  // namespace aixcell::detail
