// Our convolutions beside cuDNN's, on the same shapes and in the same run, in float32, TF32 and bfloat16; then which engine
// cuDNN took for what. No argument; needs a GPU.
#include <aixcell/kernels/cudnn/convolutions.cuh>

#include "measure.cuh"

namespace aixcell {
namespace {

int run() {
  context<cuda> ctx;
  report r(ctx, print_ceilings(ctx));
  const auto library = std::make_shared<cudnn_convolutions>();
  all_convolutions(ctx, r, ", ours");
  ctx.convolve_by(library);
  all_convolutions(ctx, r, ", " + library->name());
  std::printf("\n%s", library->report().c_str());
  return 0;
}

}  // namespace
}  // namespace aixcell

int main() {
  try {
    return aixcell::run();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "benchmark_cudnn: %s\n", e.what());
    return 2;
  }
}
