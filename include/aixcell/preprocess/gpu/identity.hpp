#pragma once
#include <aixcell/preprocess/gpu/apply.hpp>
#include <aixcell/preprocess/identity.hpp>

namespace aixcell {

template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>&, const identity&, const no_state&,
                               const tensor<float, Device>& pixels) {
  return pixels;
}

}  // namespace aixcell
