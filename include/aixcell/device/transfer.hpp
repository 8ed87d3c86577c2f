#pragma once
#include <aixcell/core/tensor.hpp>
#include <aixcell/device/core.hpp>

namespace aixcell {

// Tensors from one memory to another; for devices with `copy` (device/emulated.hpp, device/cuda.cuh).

template <class T, GpuDevice Device>
tensor<T, Device> to_device(context<Device>& ctx, const tensor<T, cpu>& from) {
  tensor<T, Device> to(ctx, from.shape());
  copy(ctx, from.as_view(), to.as_view());
  return to;
}

/// What is here already stays.
template <class T>
tensor<T, cpu> to_device(context<cpu>&, const tensor<T, cpu>& from) {
  return from;
}

/// Waits until the values are here.
template <class T, GpuDevice Device>
tensor<T, cpu> to_host(context<Device>& ctx, const tensor<T, Device>& from) {
  tensor<T, cpu> to(from.shape());
  copy(ctx, from.as_view(), to.as_view());
  synchronise(ctx);
  return to;
}

}  // namespace aixcell
