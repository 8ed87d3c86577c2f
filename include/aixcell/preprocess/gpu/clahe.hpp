#pragma once
#include <aixcell/kernels/gpu/clahe.hpp>
#include <aixcell/preprocess/clahe.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>

namespace aixcell {

/// The processor's but for the rounding of the blend.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const clahe& p, const no_state&,
                               const tensor<float, Device>& pixels) {
  tensor<float, Device> out(ctx, pixels.shape());
  clahe_equalise(ctx, pixels, {.tiles = p.tiles, .clip_limit = p.clip_limit}, out);
  return out;
}

}  // namespace aixcell
