#pragma once
#include <algorithm>

#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/flat_field.hpp>
#include <aixcell/preprocess/flat_field.hpp>
#include <aixcell/preprocess/gpu/apply.hpp>

namespace aixcell {

/// The processor's but for the rounding of sums.
template <GpuDevice Device>
tensor<float, Device> apply_on(context<Device>& ctx, const flat_field&, const flat_field::state& s,
                               const tensor<float, Device>& pixels) {
  tensor<float> field(flat_field::grid_of(s, pixels.extent(2)));
  std::copy(s.field.begin(), s.field.end(), field.begin());
  tensor<float, Device> out(ctx, pixels.shape());
  divide_by_field(ctx, pixels, to_device(ctx, field), out);
  return out;
}

}  // namespace aixcell
