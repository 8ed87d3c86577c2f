#pragma once
#include <aixcell/postprocess/gpu/found_on.hpp>
#include <aixcell/postprocess/with_classes.hpp>

namespace aixcell {

/// As the representation; probabilities of classes are the processor's but for the order of float64 sums.
template <GpuDevice Device, HasPostprocessTwin<Device> Instance>
found_on<Device> decode_on(context<Device>& ctx, const with_classes<Instance>& p, const tensor<float, Device>& output,
                           int first) {
  found_on<Device> found = decode_on(ctx, p.instance, output, first);
  const auto count = std::ssize(found.rest.objects);
  const measured_regions<Device> regions(ctx, found.labels, count);
  tensor<double, Device> votes(ctx, {count, p.classes});
  object_votes(ctx, found.labels, regions.boxes, output, first + p.instance.output_channels(), votes);
  const tensor<double> here = to_host(ctx, votes);
  p.name_classes({here.begin(), here.end()}, found.rest);
  return found;
}

}  // namespace aixcell
