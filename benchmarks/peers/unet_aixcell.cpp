// The network of unet_dlib.cpp by aixcell, alone in its unit, with the same way to measure it. With "selective" or "full", values
// between layers are computed again on the way back instead of kept.
#include <chrono>
#include <iostream>
#include <string>

#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/optim/adamw.hpp>
#include <aixcell/pipeline/network.hpp>

int main(int arguments, char** argument) {
  using namespace aixcell;
  const std::string again = arguments > 1 ? argument[1] : "";
  context<cpu> ctx(2, compute_settings{precision::float32, again == "full"        ? recomputation::full
                                                           : again == "selective" ? recomputation::selective
                                                                                  : recomputation::none});
  random_stream random(1);
  network<plain<5, 32>, unet_transposed, cpu, float> net(ctx, 1, {.channels = 2}, random);
  std::vector<parameter_slice> slices;
  index_t parameters = 0;
  for (const network_tensor& t : tensors_of(net))
    if (t.gradient) {
      slices.push_back({t.value->data(), t.gradient->data(), t.value->size(), t.decays});
      parameters += t.value->size();
    }
  adamw optimiser({}, slices);
  tensor<float> x({4, 256, 256, 1}), target(x.shape());
  for (float& v : x) v = random.uniform();
  for (float& v : target) v = random.chance(0.5f) ? 1.0f : 0.0f;
  const cross_entropy entropy;
  const auto step = [&] {
    clear_gradients(ctx, slices);
    net.learn(ctx, x, [&](const tensor<float>& y, tensor<float>& gradient) {
      gradient.fill(0);
      return entropy(ctx,
                     loss_arguments<float>{.output = y, .channels = {0, 2}, .target = target, .gradient = gradient});
    });
    optimiser.step(ctx, slices, 1e-3);
  };
  step();
  std::cout << parameters << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    step();
    std::cout << std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() << std::endl;
  }
}
