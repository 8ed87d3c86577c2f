#pragma once
#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell::detail {

/// values[i] becomes the sum of those before it, total[0] the sum of all. One block, for tables of thousands.
struct exclusive_scan_kernel {
  static constexpr std::string_view name = "exclusive scan";
  static constexpr int threads = 256;
  struct shared {
    int warp_sum[threads / warp_size];
  };
  constexpr void operator()(auto t, shared& s, int count, int* values, int* total) const {
    const int each = (count + threads - 1) / threads, begin = t.rank() * each,
              end = begin + each < count ? begin + each : count;
    int sum = 0;
    for (int i = begin; i < end; ++i) sum += values[i];
    int up_to_here = sum;  // inclusive, within the warp
    for (int distance = 1; distance < warp_size; distance *= 2) {
      const int before = t.shfl_up(up_to_here, distance);
      if (lane_of(t) >= distance) up_to_here += before;
    }
    if (lane_of(t) == warp_size - 1) s.warp_sum[warp_of(t)] = up_to_here;
    t.sync();
    int before = up_to_here - sum;
    for (int w = 0; w < warp_of(t); ++w) before += s.warp_sum[w];
    for (int i = begin; i < end; ++i) {
      const int v = values[i];
      values[i] = before;
      before += v;
    }
    if (t.rank() == threads - 1) total[0] = before;
  }
};

}  // namespace aixcell::detail
