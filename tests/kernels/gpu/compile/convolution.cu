// Convolution for a GPU: compiled, never run. compile_kernels.cmake reads what ptxas says of it.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/conv2d.hpp>
#include <aixcell/kernels/gpu/conv2d_bf16.hpp>

namespace aixcell {

void convolution(context<cuda>& ctx, view<float, cuda> x, view<float, cuda> filter, view<float, cuda> y) {
  conv2d<float>(ctx, x, filter, {}, {}, y);
  conv2d_backward_data<float>(ctx, y, filter, {}, x);
  conv2d_backward_filter<float>(ctx, x, y, {}, filter);
}

void on_tensor_cores(context<cuda>& ctx, view<bfloat16, cuda> x, view<bfloat16, cuda> filter, view<float, cuda> y) {
  conv2d_bf16<float>(ctx, x, filter, {}, {}, y);
  conv2d_bf16<bfloat16>(ctx, x, filter, {}, {}, x);
  conv2d_bf16_backward_data<float>(ctx, x, filter, {}, y);
  conv2d_bf16_backward_filter(ctx, x, x, {}, y);
}

}  // namespace aixcell
