// The networks of the default grid for GPUs, in float32 and bfloat16. Nothing here includes loops for the processor.
#include <aixcell/device/cuda.cuh>
#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/pipeline/gpu/networks_on.hpp>

#include "cudnn.cuh"
#include "device.hpp"

namespace aixcell::program {

bool built_with_cuda() { return true; }

std::shared_ptr<compute_device> open_cuda(bool by_cudnn) {
  context<cuda> ctx;
  if (by_cudnn) convolve_by_cudnn(ctx);
  cudaDeviceProp properties{};
  detail::check_cuda(cudaGetDeviceProperties(&properties, ctx.gpu()), "cudaGetDeviceProperties");
  auto device = std::make_shared<networks_on<cuda>>("cuda:0 (" + std::string(properties.name) + ")", std::move(ctx));
  device->add<plain<4, 16>, unet>().add<plain<4, 16>, fpn>().add<plain<4, 16>, pooled>();
  device->add<plain<4, 32>, unet>().add<plain<4, 32>, fpn>().add<plain<4, 32>, pooled>();
  device->add<resnet18, unet>().add<resnet18, fpn>().add<resnet18, pooled>();
  device->add<resnet34, unet>().add<resnet34, fpn>().add<resnet34, pooled>();
  return device;
}

}  // namespace aixcell::program
