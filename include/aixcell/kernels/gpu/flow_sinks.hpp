#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/bitonic_sort.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

/// Where the pixels of a mask end, and how many end where.
struct flow_ends {
  const float* ends;
  const std::uint8_t* mask;
  int height, width;
  constexpr int of(int p) const {
    return static_cast<int>(std::lround(ends[2 * p])) * width + static_cast<int>(std::lround(ends[2 * p + 1]));
  }
  /// Calls f(q) for the pixels of a square around p, row by row.
  constexpr void each_near(int p, int reach, auto&& f) const {
    const int i = p / width, j = p % width;
    for (int y = i > reach ? i - reach : 0; y <= i + reach && y < height; ++y)
      for (int x = j > reach ? j - reach : 0; x <= j + reach && x < width; ++x) f(y * width + x);
  }
};

struct count_ends_kernel {
  static constexpr std::string_view name = "flow_sinks: count";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, flow_ends from, int* counts) const {
    const int p = global_rank(t);
    if (p < from.height * from.width && from.mask[p]) t.atomic_add(&counts[from.of(p)], 1);
  }
};

/// Peaks in any order; sorting mends that: keys are unique, the highest first, of equal ones the first pixel. Without keys
/// they are only counted.
struct flow_peaks_kernel {
  static constexpr std::string_view name = "flow_sinks: peaks";
  static constexpr int threads = 256, window = 2;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, flow_ends from, const int* counts, int least, int* found,
                            std::uint64_t* keys) const {
    const int p = global_rank(t);
    if (p >= from.height * from.width || counts[p] < least) return;
    bool greatest = true;
    from.each_near(p, window, [&](int q) { greatest = greatest && counts[q] <= counts[p]; });
    if (!greatest) return;
    const int place = t.atomic_add(found, 1);
    if (keys)
      keys[place] =
          static_cast<std::uint64_t>(~static_cast<std::uint32_t>(counts[p])) << 32 | static_cast<std::uint32_t>(p);
  }
};

/// A block a peak. It waits for the higher ones so near that both could grow into one pixel, then grows by the neighbours that
/// are nobody's: the result is that of one peak after another, but peaks far apart grow at once. Blocks take their peak from a
/// ticket, so whom they wait for is already running: there is no deadlock, whatever order the GPU starts blocks in.
struct grow_sinks_kernel {
  static constexpr std::string_view name = "flow_sinks: grow";
  static constexpr int threads = 128, growth = 5, edge = 2 * growth + 1, few = 2;
  static_assert(threads >= edge * edge);
  struct shared {
    std::uint8_t grown[2][edge][edge];
    int ticket;
  };
  constexpr void operator()(auto t, shared& s, int height, int width, int peaks, const std::uint64_t* keys,
                            const int* counts, int* tickets, int* decided, std::int32_t* sinks) const {
    if (t.rank() == 0) s.ticket = t.atomic_add(tickets, 1);
    t.sync();
    const int mine = s.ticket;
    if (mine >= peaks) return;
    const int peak = static_cast<int>(keys[mine] & 0xffffffffu), row = peak / width, column = peak % width;
    for (int other = t.rank(); other < mine; other += threads) {
      const int there = static_cast<int>(keys[other] & 0xffffffffu), dy = there / width - row,
                dx = there % width - column;
      if (dy > 2 * growth || dy < -2 * growth || dx > 2 * growth || dx < -2 * growth) continue;
      while (t.load_acquire(&decided[other]) == 0) {
      }
    }
    t.sync();
    const int r = t.rank() / edge, c = t.rank() % edge, y = row + r - growth, x = column + c - growth;
    const bool inside = t.rank() < edge * edge && y >= 0 && y < height && x >= 0 && x < width;
    const bool taken = sinks[peak] > 0;  // a plateau has several peaks
    const bool is_free = inside && !taken && sinks[y * width + x] == 0 && counts[y * width + x] > few;
    bool own = t.rank() == growth * edge + growth && !taken;
    if (t.rank() < edge * edge) s.grown[0][r][c] = own;
    for (int round = 0; round < growth; ++round) {
      t.sync();
      const auto& now = s.grown[round % 2];
      if (is_free && !own)
        for (int v = r > 0 ? r - 1 : 0; v <= r + 1 && v < edge; ++v)
          for (int u = c > 0 ? c - 1 : 0; u <= c + 1 && u < edge; ++u) own = own || now[v][u] != 0;
      if (t.rank() < edge * edge) s.grown[(round + 1) % 2][r][c] = own;
    }
    if (own) sinks[y * width + x] = mine + 1;
    t.sync();
    if (t.rank() == 0) t.store_release(&decided[mine], 1);
  }
};

struct sink_of_pixel {
  static constexpr std::string_view name = "flow_sinks";
  flow_ends from;
  const std::int32_t* sinks;
  constexpr std::int32_t operator()(int p) const {
    if (!from.mask[p]) return 0;
    const int end = from.of(p);
    std::int32_t label = sinks[end];
    if (label == 0)
      from.each_near(end, 1, [&](int q) {
        if (label == 0) label = sinks[q];
      });
    return label;
  }
};

}  // namespace detail

/// As detail::flow_sinks of the processor but for gaps between the numbers: one object for each place where the pixels of a mask
/// [H,W] end, by peaks of the histogram of ends [H,W,2] that `least` pixels reach. Returns the greatest label that there can be.
/// Waits for the device.
template <GpuDevice Device>
int flow_sinks(context<Device>& ctx, view_on<const float, Device> ends, view_on<const std::uint8_t, Device> mask,
               int least, view_on<std::int32_t, Device> labels) {
  require_rank("flow_sinks", 2, "a mask [H,W]", mask.shape());
  require_shape("flow_sinks: the ends", {mask.extent(0), mask.extent(1), 2}, ends.shape());
  require_equal_shapes("flow_sinks", mask, labels);
  detail::counted("flow_sinks", ends.size());
  const auto height = static_cast<int>(mask.extent(0)), width = static_cast<int>(mask.extent(1)),
             pixels = height * width;
  const detail::flow_ends from{ends.data(), mask.data(), height, width};
  tensor<int, Device> counts(ctx, mask.shape()), found(ctx, {1});
  tensor<std::int32_t, Device> sinks(ctx, mask.shape());
  const int* const known = counts.data();
  const dim blocks = blocks_for(pixels, 256);
  detail::launch_map(ctx, detail::zeros{}, pixels, counts.data());
  detail::launch_map(ctx, detail::zeros{}, pixels, sinks.data());
  launch(ctx, blocks, detail::count_ends_kernel{}, from, counts.data());
  const auto find_peaks = [&](std::uint64_t* keys) {
    detail::launch_map(ctx, detail::zeros{}, 1, found.data());
    launch(ctx, blocks, detail::flow_peaks_kernel{}, from, known, least > 1 ? least : 1, found.data(), keys);
  };
  find_peaks(nullptr);
  const int peaks = detail::read_one(ctx, found);
  tensor<std::uint64_t, Device> keys(ctx, {detail::bitonic_slots(peaks)});
  detail::launch_map(ctx, detail::last_key{}, keys.size(), keys.data());
  find_peaks(keys.data());
  detail::bitonic_sort(ctx, keys);
  tensor<int, Device> decided(ctx, {peaks});
  detail::launch_map(ctx, detail::zeros{}, peaks, decided.data());
  detail::launch_map(ctx, detail::zeros{}, 1, found.data());
  launch(ctx, {peaks, 1, 1}, detail::grow_sinks_kernel{}, height, width, peaks,
         static_cast<const std::uint64_t*>(keys.data()), known, found.data(), decided.data(), sinks.data());
  detail::launch_map_singly(ctx, detail::sink_of_pixel{from, sinks.data()}, pixels, labels.data());
  return peaks;
}

}  // namespace aixcell
