// Convolution for a GPU: compiled, never run. compile_kernels.cmake reads what ptxas says of it.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/conv2d.hpp>
#include <aixcell/kernels/gpu/conv2d_bf16.hpp>

namespace aixcell {

// By what the context says and by shape: few channels, tensor cores (bfloat16, TF32), loops.
template <class Real>
void convolution(context<cuda>& ctx, view<Real, cuda> x, view<master_of<Real>, cuda> filter, view<Real, cuda> y,
                 view<double, cuda> sums) {
  conv2d<Real>(ctx, x, filter, {}, {}, y, sums);
  conv2d_backward_data<Real>(ctx, y, filter, {}, x);
  conv2d_backward_filter<Real>(ctx, x, y, {}, filter);
}
template void convolution<float>(context<cuda>&, view<float, cuda>, view<float, cuda>, view<float, cuda>,
                                 view<double, cuda>);
template void convolution<bfloat16>(context<cuda>&, view<bfloat16, cuda>, view<float, cuda>, view<bfloat16, cuda>,
                                    view<double, cuda>);

void on_tensor_cores(context<cuda>& ctx, view<bfloat16, cuda> x, view<bfloat16, cuda> filter, view<float, cuda> y) {
  conv2d_bf16<float>(ctx, x, filter, {}, {}, y);
  conv2d_bf16<bfloat16>(ctx, x, filter, {}, {}, x);
  conv2d_bf16_backward_data<float>(ctx, x, filter, {}, y);
  conv2d_bf16_backward_filter(ctx, x, x, {}, y);
}

}  // namespace aixcell
