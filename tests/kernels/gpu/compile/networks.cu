// Whole networks for a GPU, in both precisions: compiled, never run. compile_kernels.cmake reads what ptxas says of it.
#include <aixcell/device/cuda.cuh>
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/pipeline/gpu/networks_on.hpp>

namespace aixcell {

template <class Real>
double learn(context<cuda>& ctx, random_stream& random, const tensor<float, cuda>& x) {
  network<resnet18, unet, cuda, Real> net(ctx, 1, {}, random);
  const auto y = net.forward(ctx, x, nullptr);
  return net.learn(ctx, y, [](const auto&, auto&) { return 0.0; });
}
template double learn<float>(context<cuda>&, random_stream&, const tensor<float, cuda>&);
template double learn<bfloat16>(context<cuda>&, random_stream&, const tensor<float, cuda>&);

/// With all that a training does around it: crops, losses, optimisers, recording.
void add_to(networks_on<cuda>& device) { device.add<plain<2, 8>, pooled>(); }

}  // namespace aixcell
