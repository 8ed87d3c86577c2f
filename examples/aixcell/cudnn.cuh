#pragma once
#include <aixcell/device/cuda.cuh>

namespace aixcell::program {

/// From now on. cudnn.cu is compiled where there is cuDNN, no_cudnn.cu elsewhere, which throws not_available.
void convolve_by_cudnn(context<cuda>& ctx);

}  // namespace aixcell::program
