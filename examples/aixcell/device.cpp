#include "device.hpp"

#include <aixcell/kernels/cpu/native_precision.hpp>

namespace aixcell::program {

context<cpu> context_for(const compute_arguments& wanted) {
  context<cpu> ctx(wanted.threads, wanted.settings);
  const bool by_cudnn = wanted.convolutions == "cudnn";
  if (by_cudnn && wanted.device != "cuda")
    throw not_available("--convolutions cudnn: cuDNN computes on GPUs alone; say --device cuda too, or leave it out");
  if (wanted.settings.precision == precision::tf32 && wanted.device != "cuda")
    throw not_available("--precision tf32: only GPUs round to it; say --device cuda too, or take float32");
  if (wanted.device == "cuda") ctx.run_networks_on(open_cuda(by_cudnn));
  return ctx;
}

precision stored_precision(const compute_arguments& wanted) {
  if (wanted.device == "cuda") return wanted.settings.precision == precision::automatic ? precision::bfloat16 : wanted.settings.precision;
  return native_precision(wanted.settings.precision);
}

}  // namespace aixcell::program
