#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/core/image.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/follow_options.hpp>

namespace aixcell {

/// Where the pixels of a mask come to when they follow a flow: every step moves a point by the flow at its place,
/// interpolated bilinearly; points stay inside the image.
///   flow [H,W,2]   rows and columns a step     mask [H,W]   ends [H,W,2] row and column; a pixel's own outside the mask
/// A component of the flow that is not finite counts as 0. O(H W + mask steps).
inline void follow_flow(context<cpu>& ctx, view<const float, cpu> flow, view<const std::uint8_t, cpu> mask,
                        const follow_options& options, view<float, cpu> ends) {
  require_rank("follow_flow", 2, "a mask [H,W]", mask.shape());
  const index_t height = mask.extent(0), width = mask.extent(1);
  require_shape("follow_flow: the flow", {height, width, 2}, flow.shape());
  require_shape("follow_flow: the ends", {height, width, 2}, ends.shape());
  const auto last_row = static_cast<float>(height - 1), last_column = static_cast<float>(width - 1);
  parallel_for(ctx, height, [&](index_t i) {
    for (index_t j = 0; j < width; ++j) {
      float y = static_cast<float>(i), x = static_cast<float>(j);
      float y1 = y, x1 = x, y2 = -2, x2 = -2;  // one and two steps ago
      for (int step = 0; mask(i, j) && step < options.steps; ++step) {
        const index_t top = static_cast<index_t>(y), left = static_cast<index_t>(x);
        const index_t down = top + 1 < height ? 2 * width : 0, right = left + 1 < width ? 2 : 0;
        const float v = y - static_cast<float>(top), u = x - static_cast<float>(left);
        const float* f = flow.data() + 2 * (top * width + left);
        const auto mix = [&](int c) {
          const float above = f[c] + u * (f[right + c] - f[c]);
          const float below = f[down + c] + u * (f[down + right + c] - f[down + c]);
          const float m = above + v * (below - above);
          return std::isfinite(m) ? m : 0.0f;
        };
        const float dy = mix(0), dx = mix(1);
        y2 = y1, x2 = x1, y1 = y, x1 = x;
        y = std::clamp(y + dy, 0.0f, last_row);
        x = std::clamp(x + dx, 0.0f, last_column);
        if (step > 0 && std::abs(y - y2) + std::abs(x - x2) < options.rest) break;
      }
      ends(i, j, 0) = y;
      ends(i, j, 1) = x;
    }
  });
}

}  // namespace aixcell
