#pragma once
#include <bit>
#include <limits>

#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell::detail {

/// One exchange of a bitonic network (Batcher 1968) over 2^k keys: a thread for each pair.
struct bitonic_step_kernel {
  static constexpr std::string_view name = "bitonic sort";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pairs, int run, int distance, std::uint64_t* keys) const {
    const int pair = global_rank(t);
    if (pair >= pairs) return;
    const int low = pair / distance * 2 * distance + pair % distance, high = low + distance;
    const bool ascending = (low & run) == 0;
    const std::uint64_t a = keys[low], b = keys[high];
    if ((a > b) != ascending) return;
    keys[low] = b;
    keys[high] = a;
  }
};

struct last_key {
  static constexpr std::string_view name = "greatest keys";
  constexpr std::uint64_t operator()(int) const { return std::numeric_limits<std::uint64_t>::max(); }
};

/// Slots that a sort of `count` keys needs: those beyond must hold the greatest key.
inline index_t bitonic_slots(index_t count) {
  return static_cast<index_t>(std::bit_ceil(static_cast<std::uint64_t>(count < 1 ? 1 : count)));
}

/// Sorts keys ascending; their number is a power of two.
template <GpuDevice Device>
void bitonic_sort(context<Device>& ctx, tensor<std::uint64_t, Device>& keys) {
  const int slots = counted("bitonic_sort", keys.size());
  for (int run = 2; run <= slots && run > 0; run *= 2)
    for (int distance = run / 2; distance > 0; distance /= 2)
      launch(ctx, blocks_for(slots / 2, 256), bitonic_step_kernel{}, slots / 2, run, distance, keys.data());
}

}  // namespace aixcell::detail
