#include "cudnn.cuh"
#include "device.hpp"

namespace aixcell::program {

int built_with_cudnn() { return 0; }

void convolve_by_cudnn(context<cuda>&) {
  throw not_available(
      "--convolutions cudnn: this program was built without cuDNN; install NVIDIA's cuDNN 9 with its headers, "
      "configure with "
      "-D AIXCELL_CUDA=ON -D AIXCELL_CUDNN=ON and build again, or leave out --convolutions");
}

}  // namespace aixcell::program
