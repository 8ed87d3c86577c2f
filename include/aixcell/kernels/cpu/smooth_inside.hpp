#pragma once
#include <algorithm>
#include <array>

#include <aixcell/core/image.hpp>

namespace aixcell {

/// Smooths a map [H,W] in place inside a mask [H,W]: in each round every pixel of the mask takes the mean of its
/// neighbours in the mask and itself, weighted 1 2 1 along rows and along columns. The deviation is sqrt(rounds / 2) pixels;
/// what is outside of the mask is neither read nor changed. O(H W rounds).
inline void smooth_inside(view<const std::uint8_t, cpu> mask, int rounds, view<float, cpu> map) {
  require_rank("smooth_inside", 2, "a mask [H,W]", mask.shape());
  require_equal_shapes("smooth_inside", mask, map);
  constexpr std::array<float, 3> weights{1, 2, 1};
  const index_t height = mask.extent(0), width = mask.extent(1);
  tensor<float> before(map.shape());
  for (int round = 0; round < rounds; ++round) {
    std::copy(map.begin(), map.end(), before.begin());
    for (index_t i = 0; i < height; ++i)
      for (index_t j = 0; j < width; ++j) {
        if (!mask(i, j)) continue;
        float sum = 0, weight = 0;
        for (index_t y = std::max<index_t>(0, i - 1); y <= std::min(height - 1, i + 1); ++y)
          for (index_t x = std::max<index_t>(0, j - 1); x <= std::min(width - 1, j + 1); ++x) {
            if (!mask(y, x)) continue;
            const float w = weights[static_cast<std::size_t>(y - i + 1)] * weights[static_cast<std::size_t>(x - j + 1)];
            sum += w * before(y, x);
            weight += w;
          }
        map(i, j) = sum / weight;
      }
  }
}

}  // namespace aixcell
