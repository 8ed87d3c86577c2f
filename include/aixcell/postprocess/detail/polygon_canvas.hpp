#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell::detail {

struct canvas_point {
  float y, x;
};

/// A label map that polygons are drawn into, each below those that came before.
class polygon_canvas {
 public:
  explicit polygon_canvas(view<std::int32_t, cpu> labels) : labels_(labels) {}

  /// Draws a polygon as the next label, unless an earlier one and it share more than `most_overlap` of the area of the
  /// smaller of them. `centre` is drawn in any case. Returns whether it was drawn.
  bool draw(std::span<const canvas_point> corners, index centre, float most_overlap) {
    collect_pixels(corners);
    if (pixels_.empty()) pixels_.push_back(centre);
    touched_.clear();
    for (const index p : pixels_)
      if (const std::int32_t label = labels_[p]; label > 0) {
        if (shared_[static_cast<std::size_t>(label - 1)]++ == 0) touched_.push_back(label);
      }
    bool free = true;
    const auto area = static_cast<float>(pixels_.size());
    for (const std::int32_t label : touched_) {
      index& shared = shared_[static_cast<std::size_t>(label - 1)];
      const float smaller = std::min(area, static_cast<float>(areas_[static_cast<std::size_t>(label - 1)]));
      free = free && static_cast<float>(shared) <= most_overlap * smaller;
      shared = 0;
    }
    if (!free) return false;
    areas_.push_back(static_cast<index>(pixels_.size()));
    shared_.push_back(0);
    const auto label = static_cast<std::int32_t>(areas_.size());
    labels_[centre] = label;
    for (const index p : pixels_)
      if (labels_[p] == 0) labels_[p] = label;
    return true;
  }

 private:
  /// Pixels whose centre lies inside, row by row (even-odd rule).
  void collect_pixels(std::span<const canvas_point> corners) {
    pixels_.clear();
    float low = corners[0].y, high = low;
    for (const canvas_point& c : corners) low = std::min(low, c.y), high = std::max(high, c.y);
    const index height = labels_.extent(0), width = labels_.extent(1);
    const index first = std::max<index>(0, static_cast<index>(std::ceil(std::max(low, -1.0f))));
    const index last = std::min<index>(height - 1, static_cast<index>(std::floor(std::min(high, static_cast<float>(height)))));
    for (index i = first; i <= last; ++i) {
      crossings_.clear();
      const auto y = static_cast<float>(i);
      for (std::size_t k = 0; k < corners.size(); ++k) {
        const canvas_point &a = corners[k], &b = corners[(k + 1) % corners.size()];
        if ((a.y <= y) != (b.y <= y)) crossings_.push_back(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x));
      }
      std::sort(crossings_.begin(), crossings_.end());
      for (std::size_t k = 0; k + 1 < crossings_.size(); k += 2) {
        const index left = static_cast<index>(std::ceil(std::clamp(crossings_[k], 0.0f, static_cast<float>(width))));
        const index right = static_cast<index>(std::floor(std::clamp(crossings_[k + 1], -1.0f, static_cast<float>(width - 1))));
        for (index j = left; j <= right; ++j) pixels_.push_back(i * width + j);
      }
    }
  }

  view<std::int32_t, cpu> labels_;
  std::vector<index> areas_;   // of label i + 1 as drawn, covered parts included
  std::vector<index> shared_;  // pixels of the polygon at hand that label i + 1 covers; 0 between calls
  std::vector<std::int32_t> touched_;
  std::vector<index> pixels_;
  std::vector<float> crossings_;
};

}  // namespace aixcell::detail
