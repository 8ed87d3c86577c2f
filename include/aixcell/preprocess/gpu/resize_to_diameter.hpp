#pragma once
#include <aixcell/kernels/gpu/resize.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/resize_to_diameter.hpp>

namespace aixcell {

/// The processor's but for the rounding of sums.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const resize_to_diameter&, const resize_to_diameter::state& s,
                               const tensor<float, Device>& pixels) {
  tensor<float, Device> out(ctx, {resize_to_diameter::scaled(pixels.extent(0), s),
                                  resize_to_diameter::scaled(pixels.extent(1), s), pixels.extent(2)});
  resize_image(ctx, pixels, out);
  return out;
}

}  // namespace aixcell
