#pragma once
#include <aixcell/kernels/gpu/grey_opening.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/top_hat.hpp>

namespace aixcell {

/// The same bits as on the processor.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const top_hat&, const top_hat::state& s,
                               const tensor<float, Device>& pixels) {
  if (s.radius < 1) return pixels;
  tensor<float, Device> out(ctx, pixels.shape());
  white_top_hat(ctx, pixels, top_hat::radius_in(pixels.shape(), s), out);
  return out;
}

}  // namespace aixcell
