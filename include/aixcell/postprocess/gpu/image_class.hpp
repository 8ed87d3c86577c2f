#pragma once
#include <vector>

#include <aixcell/kernels/gpu/standardise.hpp>
#include <aixcell/postprocess/gpu/found_on.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/with_image_class.hpp>

namespace aixcell {

/// What a network that pools says is a number for each class: it is read on the processor.
template <GpuDevice Device>
found_on<Device> decode_on(context<Device>& ctx, const image_class& p, const tensor<float, Device>& output, int) {
  context<cpu> here(1);
  return {{}, p.decode(here, to_host(ctx, output))};
}

/// As the representation; probabilities of the image's class are the processor's but for the order of float64 sums.
template <GpuDevice Device, HasPostprocessTwin<Device> Dense>
found_on<Device> decode_on(context<Device>& ctx, const with_image_class<Dense>& p, const tensor<float, Device>& output,
                           int first) {
  found_on<Device> found = decode_on(ctx, p.dense, output, first);
  tensor<double, Device> moments(ctx, {2, output.extent(2)});
  channel_moments(ctx, output, moments);
  const tensor<double> here = to_host(ctx, moments);
  const double* const logits = here.data() + first + p.dense.output_channels();
  p.head().decide(std::vector<double>(logits, logits + p.image_classes), found.rest);
  return found;
}

}  // namespace aixcell
