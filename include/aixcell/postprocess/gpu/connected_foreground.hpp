#pragma once
#include <aixcell/postprocess/connected_foreground.hpp>
#include <aixcell/postprocess/gpu/seeded_objects.hpp>

namespace aixcell {

/// The processor's labels.
template <GpuDevice Device>
found_on<Device> decode_on(context<Device>& ctx, const connected_foreground& p, const tensor<float, Device>& output,
                           int channel) {
  const shape s{output.extent(0), output.extent(1)};
  tensor<float, Device> object(ctx, s);
  tensor<std::uint8_t, Device> mask(ctx, s);
  tensor<std::int32_t, Device> parts(ctx, s), count(ctx, {1});
  foreground_map(ctx, output, channel, p.object_threshold, object, mask);
  connected_components(ctx, mask, connectivity::four, parts, count);
  const int last = to_host(ctx, count)[0];
  return numbered_and_scored(ctx, std::move(parts), last, object, p.min_area);
}

}  // namespace aixcell
