// Our convolutions beside cuDNN's, on the same shapes and in the same run, float32 without TF32 and bfloat16; then which engine
// cuDNN took for what. No argument; needs a GPU.
#include <aixcell/kernels/cudnn/convolutions.cuh>

#include "measure.cuh"

namespace aixcell {
namespace {

int run() {
  context<cuda> ctx;
  report r(ctx, print_ceilings(ctx));
  const auto library = std::make_shared<cudnn_convolutions>();
  convolutions<float>(ctx, r, "float32, ours");
  convolutions<bfloat16>(ctx, r, "bfloat16, ours");
  ctx.convolve_by(library);
  convolutions<float>(ctx, r, "float32, " + library->name());
  convolutions<bfloat16>(ctx, r, "bfloat16, " + library->name());
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
