#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include <aixcell/core/image.hpp>

namespace aixcell::detail {

/// Gives every pixel to the star-convex polygon in which it lies deepest: of which its distance from the centre is the
/// smallest share of the outline's distance in that direction.
class radial_owner {
 public:
  /// `share` [H,W] holds the greatest share at which a pixel is given to anyone, `labels` [H,W] is overwritten.
  radial_owner(view<float, cpu> share, view<std::int32_t, cpu> labels) : share_(share), labels_(labels) {
    std::fill(labels.begin(), labels.end(), 0);
    for (const float s : share) most_ = std::max(most_, s);
  }

  /// A polygon's claim: distances in pixels along rays to angles 2 pi k / n, from increasing columns towards increasing
  /// rows, linear in the angle between them. Of equal shares the earlier claim holds. Time linear in the area of the square
  /// around it.
  void claim(std::int32_t label, index_t centre, std::span<const float> lengths) {
    const index_t height = labels_.extent(0), width = labels_.extent(1);
    const float longest = *std::max_element(lengths.begin(), lengths.end());
    const auto radius = static_cast<index_t>(std::ceil(std::min(most_ * longest, static_cast<float>(height + width))));
    const index_t row = centre / width, column = centre % width;
    const auto rays = static_cast<float>(lengths.size());
    for (index_t i = std::max<index_t>(0, row - radius); i <= std::min(height - 1, row + radius); ++i)
      for (index_t j = std::max<index_t>(0, column - radius); j <= std::min(width - 1, column + radius); ++j) {
        const auto dy = static_cast<float>(i - row), dx = static_cast<float>(j - column);
        const float distance = std::sqrt(dy * dy + dx * dx);
        float& best = share_(i, j);
        if (distance > best * longest) continue;  // whatever the direction
        float turn = std::atan2(dy, dx) * (0.5f / std::numbers::pi_v<float>)*rays;
        if (turn < 0) turn += rays;
        const auto before = static_cast<std::size_t>(turn) % lengths.size();
        const float part = turn - std::floor(turn);
        const float outline = lengths[before] + part * (lengths[(before + 1) % lengths.size()] - lengths[before]);
        if (!(distance < best * outline)) continue;
        best = distance / outline;
        labels_(i, j) = label;
      }
  }

 private:
  view<float, cpu> share_;
  view<std::int32_t, cpu> labels_;
  float most_ = 0;
};

}  // namespace aixcell::detail
