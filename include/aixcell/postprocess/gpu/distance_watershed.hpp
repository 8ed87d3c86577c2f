#pragma once
#include <aixcell/kernels/gpu/h_maxima.hpp>
#include <aixcell/kernels/gpu/smooth_inside.hpp>
#include <aixcell/postprocess/distance_watershed.hpp>
#include <aixcell/postprocess/gpu/seeded_objects.hpp>

namespace aixcell {

/// The processor's labels but for ties of the watershed.
template <GpuDevice Device>
found_on<Device> decode_on(context<Device>& ctx, const distance_watershed& p, const tensor<float, Device>& output,
                           int first) {
  const shape s{output.extent(0), output.extent(1)};
  seeded_map_on<Device> map{{ctx, s}, {ctx, s}, {ctx, s}, p.min_area};
  tensor<float, Device>& depth = map.landscape;
  foreground_map(ctx, output, first, p.object_threshold, map.object, map.mask);
  depth_map(ctx, output, first + 1, map.mask, depth);
  smooth_inside(ctx, map.mask, distance_watershed::smoothing, depth);
  tensor<std::int32_t, Device> seeds(ctx, s);
  const int last = h_maxima(ctx, depth, {.depth = p.seed_height, .least = p.seed_threshold}, seeds);
  one_minus(ctx, depth, depth);
  return grow_seeds(ctx, map, std::move(seeds), last);
}

}  // namespace aixcell
