#pragma once
#include <aixcell/kernels/gpu/detail/tile_fixpoint.hpp>

namespace aixcell {

namespace detail {

// Flooding as a fixpoint that any order of work ends in. key(p) = (highest level on the way from a seed, steps since that level
// was entered), compared in this order: what a flood by priority gives p. The rule
//   key(p) = least over neighbours q of [level(p) > level of key(q) ? (level(p), 0) : key(q) + one step]
// is monotone, so relaxing it anywhere, in any order, on any number of threads ends in the same keys. Then p belongs to the
// neighbour with the least (key, position) that gives p its key, and so on to a seed: keys fall along the way, so it ends.

using flood_key = std::uint64_t;  // level << 32 | steps
inline constexpr flood_key never_flooded = ~flood_key{0};
inline constexpr int flood_levels = 256;

constexpr std::uint32_t flood_level(float v) {
  const int level = static_cast<int>(v * flood_levels);
  return static_cast<std::uint32_t>(level < 0 ? 0 : level >= flood_levels ? flood_levels - 1 : level);
}
constexpr flood_key flooded_from(flood_key from, std::uint32_t level) {
  return level > (from >> 32) ? static_cast<flood_key>(level) << 32 : from + 1;
}

struct flood_start_kernel {
  static constexpr std::string_view name = "watershed: seeds";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, const float* landscape, const std::uint8_t* mask,
                            const std::int32_t* labels, flood_key* keys) const {
    const int i = global_rank(t);
    if (i >= pixels) return;
    keys[i] = mask[i] && labels[i] > 0 ? static_cast<flood_key>(flood_level(landscape[i])) << 32 : never_flooded;
  }
};

/// See detail/tile_fixpoint.hpp.
struct flood_rule {
  static constexpr std::string_view name = "watershed: relax";
  using key = flood_key;
  static constexpr key none = never_flooded;
  const float* landscape;
  const std::uint8_t* mask;
  constexpr bool takes_part(int p) const { return mask[p] != 0; }
  constexpr std::uint32_t own(int p) const { return flood_level(landscape[p]); }
  static constexpr key better(std::uint32_t level, key now, key from) {
    const key flooded = flooded_from(from, level);
    return flooded < now ? flooded : now;
  }
};

/// to[p]: the pixel whose label p takes next; itself for a seed, -1 for what no flood reaches.
struct flood_parents_kernel {
  static constexpr std::string_view name = "watershed: parents";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int height, int width, const float* landscape, const std::uint8_t* mask,
                            const std::int32_t* labels, const flood_key* keys, int* to) const {
    const int i = global_rank(t), y = i / width, x = i % width;
    if (y >= height) return;
    if (!mask[i] || keys[i] == never_flooded) {
      to[i] = -1;
      return;
    }
    int parent = labels[i] > 0 ? i : -1;
    if (parent < 0) {
      const std::uint32_t level = flood_level(landscape[i]);
      const auto consider = [&](bool inside, int j) {
        if (!inside || keys[j] == never_flooded || flooded_from(keys[j], level) != keys[i]) return;
        if (parent < 0 || keys[j] < keys[parent]) parent = j;  // of equal keys, the first
      };
      consider(y > 0, i - width);
      consider(x > 0, i - 1);
      consider(x + 1 < width, i + 1);
      consider(y + 1 < height, i + width);
    }
    to[i] = parent;
  }
};

struct flood_labels_kernel {
  static constexpr std::string_view name = "watershed: labels";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, const int* to, const std::int32_t* seeds,
                            std::int32_t* labels) const {
    const int i = global_rank(t);
    if (i >= pixels) return;
    int p = i;
    while (p >= 0 && to[p] != p) p = to[p];
    labels[i] = p < 0 ? 0 : seeds[p];
  }
};

}  // namespace detail

/// As the twin for the processor: floods a landscape [H,W] in [0,1], cut into 256 levels, from the positive labels in `labels`,
/// which is overwritten; 4-neighbours; 0 outside the mask and where no flood comes. The same labels on every run and every GPU.
/// Where two floods of one level come to a pixel in equally many steps, this one gives it to the neighbour that was reached
/// first and lies first, the processor's to the one that happened to be first in its queue: only such pixels, and what is
/// flooded from them, may differ. Waits for the device after every eight sweeps.
template <GpuDevice Device>
void watershed(context<Device>& ctx, view_on<const float, Device> landscape, view_on<const std::uint8_t, Device> mask,
               view_on<std::int32_t, Device> labels) {
  require_rank("watershed", 2, "a landscape [H,W]", landscape.shape());
  require_equal_shapes("watershed", landscape, mask, labels);
  const int pixels = detail::counted("watershed", landscape.size());
  if (pixels == 0) return;
  const auto height = static_cast<int>(landscape.extent(0)), width = static_cast<int>(landscape.extent(1));
  tensor<detail::flood_key, Device> keys(ctx, {pixels});
  tensor<int, Device> to(ctx, {pixels});
  tensor<std::int32_t, Device> found(ctx, {pixels});
  const std::int32_t* const seeds = labels.data();
  const dim blocks = blocks_for(pixels, 256);
  launch(ctx, blocks, detail::flood_start_kernel{}, pixels, landscape.data(), mask.data(), seeds, keys.data());
  detail::relax_to_fixpoint(ctx, detail::flood_rule{landscape.data(), mask.data()}, height, width, keys.data());
  launch(ctx, blocks, detail::flood_parents_kernel{}, height, width, landscape.data(), mask.data(), seeds,
         static_cast<const detail::flood_key*>(keys.data()), to.data());
  launch(ctx, blocks, detail::flood_labels_kernel{}, pixels, static_cast<const int*>(to.data()), seeds, found.data());
  detail::launch_map(ctx, detail::same_value{}, pixels, labels.data(), static_cast<const std::int32_t*>(found.data()));
}

}  // namespace aixcell
