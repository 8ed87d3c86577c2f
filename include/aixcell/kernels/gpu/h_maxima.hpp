#pragma once
#include <aixcell/kernels/detail/ordered_bits.hpp>
#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/detail/bitonic_sort.hpp>
#include <aixcell/kernels/gpu/detail/tile_fixpoint.hpp>
#include <aixcell/kernels/h_maxima_options.hpp>

namespace aixcell {

namespace detail {

// The extended maxima are the regional maxima of the landscape's reconstruction by dilation from itself less h (Soille 2004,
// sections 6.3.4 and 6.2.3). Heights are ordered bits, 0 outside: the reconstruction is a fixpoint of integers.

/// A pixel rises to the highest neighbour, but not above the landscape.
struct reconstruction_rule {
  static constexpr std::string_view name = "h_maxima: reconstruction";
  using key = std::uint32_t;
  static constexpr key none = 0;
  const float* landscape;
  float least;
  constexpr bool takes_part(int p) const { return landscape[p] > least; }
  constexpr key own(int p) const { return ordered_bits(landscape[p]); }
  static constexpr key better(key height, key now, key from) {
    const key risen = from < height ? from : height;
    return risen > now ? risen : now;
  }
};

struct lowered_heights {
  static constexpr std::string_view name = "h_maxima: lower";
  h_maxima_options options;
  constexpr std::uint32_t operator()(int, float v) const {
    return v > options.least ? ordered_bits(v - options.depth) : reconstruction_rule::none;
  }
};

/// Of each plateau of the reconstruction: its highest pixel of the landscape, of equal ones the first, as a key that is the
/// greater the higher; and whether something higher touches it.
struct summits_kernel {
  static constexpr std::string_view name = "h_maxima: summits";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int height, int width, const float* landscape,
                            const std::uint32_t* heights, const std::int32_t* parts, std::uint64_t* summits,
                            int* below) const {
    const int p = global_rank(t), i = p / width, j = p % width;
    if (i >= height || parts[p] < 1) return;
    const int part = parts[p] - 1;
    t.atomic_max(&summits[part],
                 static_cast<std::uint64_t>(ordered_bits(landscape[p])) << 32 | ~static_cast<std::uint32_t>(p));
    const auto is_higher = [&](bool inside, int q) { return inside && heights[q] > heights[p]; };
    if (is_higher(i > 0, p - width) || is_higher(j > 0, p - 1) || is_higher(j + 1 < width, p + 1) ||
        is_higher(i + 1 < height, p + width))
      t.store(&below[part], 1);
  }
};

/// Ascending keys: the highest summits first, plateaus that are no maximum last.
struct summit_order {
  static constexpr std::string_view name = "h_maxima: order";
  constexpr std::uint64_t operator()(int, std::uint64_t summit, int below) const {
    return below ? std::numeric_limits<std::uint64_t>::max() : ~summit;
  }
};

/// numbers[part] = 1, 2, ... in the order of the keys; count becomes how many.
struct number_summits_kernel {
  static constexpr std::string_view name = "h_maxima: number";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int plateaus, const std::uint64_t* keys, const std::int32_t* parts,
                            int* numbers, int* count) const {
    const int i = global_rank(t);
    if (i >= plateaus || keys[i] == std::numeric_limits<std::uint64_t>::max()) return;
    numbers[parts[keys[i] & 0xffffffffu] - 1] = i + 1;
    t.atomic_max(count, i + 1);
  }
};

struct summit_labels {
  static constexpr std::string_view name = "h_maxima: label";
  const int* numbers;
  constexpr std::int32_t operator()(int, std::int32_t part) const { return part > 0 ? numbers[part - 1] : 0; }
};

}  // namespace detail

/// As the twin for the processor, to the label: summits of a landscape [H,W] that stand out by more than `depth`, numbered from
/// the highest, 0 elsewhere. Returns their number. Waits for the device.
template <GpuDevice Device>
int h_maxima(context<Device>& ctx, view_on<const float, Device> landscape, const h_maxima_options& options,
             view_on<std::int32_t, Device> labels) {
  require_rank("h_maxima", 2, "a landscape [H,W]", landscape.shape());
  require_equal_shapes("h_maxima", landscape, labels);
  const int pixels = detail::counted("h_maxima", landscape.size());
  if (pixels == 0) return 0;
  const auto height = static_cast<int>(landscape.extent(0)), width = static_cast<int>(landscape.extent(1));
  tensor<std::uint32_t, Device> heights(ctx, landscape.shape());
  tensor<std::int32_t, Device> parts(ctx, landscape.shape()), count(ctx, {1});
  detail::launch_map(ctx, detail::lowered_heights{options}, pixels, heights.data(), landscape.data());
  detail::relax_to_fixpoint(ctx, detail::reconstruction_rule{landscape.data(), options.least}, height, width,
                            heights.data());
  const std::uint32_t* const known_heights = heights.data();
  detail::launch_components<std::uint32_t, Device>(ctx, "h_maxima", heights, connectivity::four, parts, count);
  const int plateaus = detail::read_one(ctx, count);
  tensor<std::uint64_t, Device> keys(ctx, {detail::bitonic_slots(plateaus)}), summits(ctx, {plateaus});
  tensor<int, Device> below(ctx, {plateaus}), numbers(ctx, {plateaus});
  const std::int32_t* const known_parts = parts.data();
  detail::launch_map(ctx, detail::zeros{}, plateaus, summits.data());
  detail::launch_map(ctx, detail::zeros{}, plateaus, below.data());
  detail::launch_map(ctx, detail::zeros{}, plateaus, numbers.data());
  detail::launch_map(ctx, detail::zeros{}, 1, count.data());
  launch(ctx, blocks_for(pixels, 256), detail::summits_kernel{}, height, width, landscape.data(), known_heights,
         known_parts, summits.data(), below.data());
  detail::launch_map(ctx, detail::last_key{}, keys.size(), keys.data());
  detail::launch_map(ctx, detail::summit_order{}, plateaus, keys.data(),
                     static_cast<const std::uint64_t*>(summits.data()), static_cast<const int*>(below.data()));
  detail::bitonic_sort(ctx, keys);
  launch(ctx, blocks_for(plateaus, 256), detail::number_summits_kernel{}, plateaus,
         static_cast<const std::uint64_t*>(keys.data()), known_parts, numbers.data(), count.data());
  detail::launch_map(ctx, detail::summit_labels{numbers.data()}, pixels, labels.data(), known_parts);
  return detail::read_one(ctx, count);
}

}  // namespace aixcell
