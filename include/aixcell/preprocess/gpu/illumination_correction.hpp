#pragma once
#include <aixcell/kernels/gpu/illumination.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/illumination_correction.hpp>

namespace aixcell {

/// The processor's but for the order of float64 sums. Nothing comes back to the host in between.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const illumination_correction&, const no_state&,
                               const tensor<float, Device>& pixels) {
  tensor<double, Device> log_light(ctx, {pixels.extent(2), 6});
  tensor<float, Device> out(ctx, pixels.shape());
  estimate_illumination(ctx, pixels, log_light);
  divided_by(ctx, pixels, log_light, out);
  return out;
}

}  // namespace aixcell
