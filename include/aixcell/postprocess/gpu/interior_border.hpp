#pragma once
#include <aixcell/postprocess/gpu/seeded_objects.hpp>
#include <aixcell/postprocess/interior_border.hpp>

namespace aixcell {

/// The processor's labels but for ties of the watershed.
template <GpuDevice Device>
found_on<Device> decode_on(context<Device>& ctx, const interior_border& p, const tensor<float, Device>& output,
                           int first) {
  const shape s{output.extent(0), output.extent(1)};
  seeded_map_on<Device> map{{ctx, s}, {ctx, s}, {ctx, s}, p.min_area};
  tensor<std::uint8_t, Device> seeds(ctx, s);
  interior_border_maps(ctx, output, first, p.seed_threshold, p.object_threshold, map.landscape, map.object, seeds,
                       map.mask);
  tensor<std::int32_t, Device> found(ctx, s), count(ctx, {1});
  connected_components(ctx, seeds, connectivity::four, found, count);
  const int last = number_objects(ctx, found, to_host(ctx, count)[0], p.min_area);
  return grow_seeds(ctx, map, std::move(found), last);
}

}  // namespace aixcell
