#include "device.hpp"

namespace aixcell::program {

bool built_with_cuda() { return false; }

int built_with_cudnn() { return 0; }

std::shared_ptr<compute_device> open_cuda(bool) {
  throw not_available(
      "--device cuda: this program was built without CUDA; install nvcc 12.8 or later, configure with -D AIXCELL_CUDA=ON "
      "and build again (`sh cmake/bootstrap.sh gpu` does that), or leave out --device");
}

}  // namespace aixcell::program
