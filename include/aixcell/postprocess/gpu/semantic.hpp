#pragma once
#include <aixcell/postprocess/gpu/found_on.hpp>
#include <aixcell/postprocess/semantic.hpp>

namespace aixcell {

/// The processor's labels.
template <GpuDevice Device>
found_on<Device> decode_on(context<Device>& ctx, const semantic& p, const tensor<float, Device>& output, int first) {
  found_on<Device> found{{ctx, {output.extent(0), output.extent(1)}}, {}};
  greatest_channels(ctx, output, first, p.classes, found.labels);
  return found;
}

}  // namespace aixcell
