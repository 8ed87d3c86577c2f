// The networks of the default grid for GPUs, in float32 and bfloat16, and the stages before and behind them.
#include <aixcell/device/cuda.cuh>
#include <aixcell/postprocess/gpu/of_stages.hpp>
#include <aixcell/preprocess/gpu/of_stages.hpp>
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
  // Those of library/default_stages.hpp.
  device->add<percentile, z_score, fitted_z_score, chain<top_hat, percentile>, chain<clahe, z_score>,
              chain<resize_to_diameter, percentile>, chain<illumination_correction, percentile>,
              chain<stain_separation, percentile>>();
  device->add<semantic, interior_border, star_convex<32>, refined_star_convex<32>, flow_field, distance_watershed,
              connected_foreground, with_classes<interior_border>, with_classes<refined_star_convex<32>>,
              with_classes<flow_field>, nuclei_per_cell, with_image_class<semantic>, image_class>();
  return device;
}

}  // namespace aixcell::program
