// Convolution by cuDNN: compiled, never run. compile_kernels.cmake reads what ptxas says of the kernels around it.
#include <aixcell/kernels/cudnn/convolutions.cuh>

namespace aixcell {

void choose(context<cuda>& ctx) { ctx.convolve_by(std::make_shared<cudnn_convolutions>()); }

}  // namespace aixcell
