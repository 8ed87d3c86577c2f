#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell::detail {

/// A direction of length 1.
struct ray {
  double dy, dx;
};

/// Distances along rays from a pixel to the outline of its own label, as `star_dist` of StarDist (Schmidt et al. 2018)
/// walks them: steps of one pixel to the first one, rounded to the nearest pixel, that has another label or lies beyond
/// the image, less the part of the last step that goes beyond half a pixel along the steeper axis. One load and one
/// comparison a step: the walks are tables of offsets, a rim around the labels ends them.
class ray_distances {
 public:
  ray_distances(view<const std::int32_t, cpu> labels, std::span<const ray> rays)
      : pitch_(labels.extent(1) + 2), rimmed_(static_cast<std::size_t>((labels.extent(0) + 2) * pitch_), rim) {
    const index_t height = labels.extent(0), width = labels.extent(1);
    for (index_t i = 0; i < height; ++i)
      std::copy_n(labels.data() + i * width, width, rimmed_.begin() + (i + 1) * pitch_ + 1);
    // The steeper axis moves by at least 0.7 pixels a step.
    const auto most_steps = static_cast<std::size_t>(2 * std::max(height, width) + 2);
    for (const ray& r : rays) {
      std::vector<index_t>& walk = walks_.emplace_back(most_steps);
      for (std::size_t s = 0; s < most_steps; ++s) {
        const auto length = static_cast<double>(s + 1);
        walk[s] = std::lround(length * r.dy) * pitch_ + std::lround(length * r.dx);
      }
      beyond_.push_back(1 - 0.5 / std::max(std::abs(r.dy), std::abs(r.dx)));
    }
  }

  /// From pixel (i, j) along ray k, in pixels; at least 0.5.
  float from(index_t i, index_t j, std::size_t k) const {
    const std::int32_t* at = rimmed_.data() + (i + 1) * pitch_ + j + 1;
    const std::int32_t label = *at;
    const index_t* walk = walks_[k].data();
    std::size_t s = 0;
    while (at[walk[s]] == label) ++s;
    return static_cast<float>(static_cast<double>(s + 1) - beyond_[k]);
  }

 private:
  static constexpr std::int32_t rim = -2;  // no label

  index_t pitch_;
  std::vector<std::int32_t> rimmed_;
  std::vector<std::vector<index_t>> walks_;
  std::vector<double> beyond_;
};

}  // namespace aixcell::detail
