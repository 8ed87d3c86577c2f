#pragma once
#include <algorithm>
#include <utility>

#include <aixcell/kernels/gpu/centre_flow.hpp>
#include <aixcell/kernels/gpu/fill_holes.hpp>
#include <aixcell/kernels/gpu/flow_sinks.hpp>
#include <aixcell/kernels/gpu/follow_flow.hpp>
#include <aixcell/postprocess/flow_field.hpp>
#include <aixcell/postprocess/gpu/seeded_objects.hpp>

namespace aixcell {

/// The processor's labels but for pixels that two sinks are equally near to, and objects whose flow is as unlike as just allowed.
template <GpuDevice Device>
found_on<Device> decode_on(context<Device>& ctx, const flow_field& p, const tensor<float, Device>& output, int first) {
  const shape s{output.extent(0), output.extent(1)}, vectors{s[0], s[1], 2};
  tensor<float, Device> object(ctx, s), flow(ctx, vectors), other(ctx, vectors);
  tensor<std::uint8_t, Device> mask(ctx, s);
  tensor<std::int32_t, Device> labels(ctx, s);
  foreground_map(ctx, output, first, p.object_threshold, object, mask);
  flow_map(ctx, output, first + 1, flow_field::flow_unit, mask, flow);
  follow_flow(ctx, flow, mask, {.steps = p.steps}, other);
  const int last = flow_sinks(ctx, other, mask, std::min(10, p.min_area), labels);
  centre_flow(ctx, labels, other);
  const measured_regions<Device> regions(ctx, labels, last);
  remove_unlike_regions(ctx, other, flow, regions.sums, regions.boxes, p.most_flow_error, labels);
  fill_holes(ctx, labels);
  return numbered_and_scored(ctx, std::move(labels), last, object, p.min_area);
}

}  // namespace aixcell
