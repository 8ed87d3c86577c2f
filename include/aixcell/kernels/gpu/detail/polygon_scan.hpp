#pragma once
#include <bit>

#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell::detail {

/// The pixels of a polygon, a warp a row (even-odd rule; on an edge is inside). Blocks of 256 threads.
struct polygon_scan {
  static constexpr int threads = 256, warps = threads / warp_size, most_corners = 256;
  struct shared {
    double crossings[warps][most_corners];
    double corners[2 * most_corners];  // rows and columns
  };
  struct box {
    int top, bottom, left, right;  // last row and column belong to it
  };

  /// All threads read the corners [count,2]; a barrier must follow.
  static constexpr void load(auto t, shared& s, int count, const double* corners) {
    for (int i = t.rank(); i < 2 * count; i += threads) s.corners[i] = corners[i];
  }

  /// Calls f(y, x) for the pixels inside that lie in the box.
  static constexpr void for_each_pixel(auto t, shared& s, int count, const box& within, auto&& f) {
    double* const crossings = s.crossings[warp_of(t)];
    for (int y = within.top + warp_of(t); y <= within.bottom; y += warps) {
      int found = 0;
      for (int k = 0; k < count; k += warp_size) {
        const int edge = k + lane_of(t), next = edge + 1 == count ? 0 : edge + 1;
        const auto level = static_cast<double>(y);
        bool crosses = false;
        double x = 0;
        if (edge < count) {
          const double ay = s.corners[2 * edge], by = s.corners[2 * next];
          crosses = (ay <= level) != (by <= level);
          if (crosses)
            x = s.corners[2 * edge + 1] +
                (level - ay) / (by - ay) * (s.corners[2 * next + 1] - s.corners[2 * edge + 1]);
        }
        const unsigned all = t.ballot(crosses);
        if (crosses) crossings[found + std::popcount(all & ((1u << lane_of(t)) - 1))] = x;
        found += std::popcount(all);
      }
      t.sync_warp();
      for (int x = within.left + lane_of(t); x <= within.right; x += warp_size) {
        int before = 0;
        bool on_edge = false;
        for (int i = 0; i < found; ++i) {
          before += crossings[i] < static_cast<double>(x);
          on_edge = on_edge || crossings[i] == static_cast<double>(x);
        }
        if (on_edge || before % 2 == 1) f(y, x);
      }
      t.sync_warp();
    }
  }
};

}  // namespace aixcell::detail
