#include "cudnn.cuh"

#include <aixcell/kernels/cudnn/convolutions.cuh>

#include "device.hpp"

namespace aixcell::program {

int built_with_cudnn() { return CUDNN_VERSION; }

void convolve_by_cudnn(context<cuda>& ctx) { ctx.convolve_by(std::make_shared<cudnn_convolutions>()); }

}  // namespace aixcell::program
