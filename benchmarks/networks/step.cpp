// Whole networks, as the peers in benchmarks/peers measure them: a training step (forward, loss, backward, AdamW) on a
// batch of 4 images of 256x256, and inference of one image. `unet` is the classic U-Net of widths 32 to 512 (7.76 M
// parameters), `resnet18` the U-Net decoder on ResNet-18, `plain4x16` what a search on a processor tries first.
#include <benchmark/benchmark.h>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/optim/adamw.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/pipeline/network.hpp>

namespace aixcell {
namespace {

template <class Enc, class Dec, class Real>
void training_step(benchmark::State& state) {
  context<cpu> ctx;
  random_stream random(1);
  const auto channels = static_cast<int>(state.range(2));
  network<Enc, Dec, cpu, Real> net(ctx, channels, {.channels = 2}, random);
  std::vector<parameter_slice> slices;
  for (const network_tensor& t : tensors_of(net))
    if (t.gradient) slices.push_back({t.value->data(), t.gradient->data(), t.value->size(), t.decays});
  adamw optimiser({}, slices);
  const shape extents{state.range(0), state.range(1), state.range(1), channels};
  tensor<float> x(extents), target({extents[0], extents[1], extents[2], 1});
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
  step();  // the first one gets its memory from the operating system
  for (auto _ : state) step();
  const double flops = estimate_network<Enc, Dec>(extents, {.channels = 2}).training.flops;
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

template <class Enc, class Dec, class Real>
void inference(benchmark::State& state) {
  context<cpu> ctx;
  random_stream random(1);
  const auto channels = static_cast<int>(state.range(2));
  network<Enc, Dec, cpu, Real> net(ctx, channels, {.channels = 2}, random);
  net.freeze(ctx, channels);
  const shape extents{state.range(0), state.range(1), state.range(1), channels};
  tensor<float> x(extents);
  for (float& v : x) v = random.uniform();
  benchmark::DoNotOptimize(net.forward(ctx, x, nullptr).data());
  for (auto _ : state) benchmark::DoNotOptimize(net.forward(ctx, x, nullptr).data());
  const double flops = estimate_network<Enc, Dec>(extents, {.channels = 2}).inference.flops;
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

using classic = plain<5, 32>;

void sizes(benchmark::internal::Benchmark* b, std::int64_t images, std::int64_t channels) {
  b->ArgNames({"N", "H", "C"})->Args({images, 256, channels})->UseRealTime()->Unit(benchmark::kMillisecond);
}
void one_channel_batch(benchmark::internal::Benchmark* b) { sizes(b, 4, 1); }
void colour_batch(benchmark::internal::Benchmark* b) { sizes(b, 4, 3); }
void one_channel_image(benchmark::internal::Benchmark* b) { sizes(b, 1, 1); }
void colour_image(benchmark::internal::Benchmark* b) { sizes(b, 1, 3); }

BENCHMARK(training_step<classic, unet_transposed, float>)->Name("training_step/cpu/float32/unet")->Apply(one_channel_batch);
BENCHMARK(training_step<classic, unet_transposed, bfloat16>)
    ->Name("training_step/cpu/bfloat16/unet")
    ->Apply(one_channel_batch);
BENCHMARK(training_step<resnet18, unet, float>)->Name("training_step/cpu/float32/resnet18_unet")->Apply(colour_batch);
BENCHMARK(training_step<resnet18, unet, bfloat16>)->Name("training_step/cpu/bfloat16/resnet18_unet")->Apply(colour_batch);
BENCHMARK(training_step<plain<4, 16>, unet, float>)->Name("training_step/cpu/float32/plain4x16_unet")->Apply(one_channel_batch);
BENCHMARK(inference<classic, unet_transposed, float>)->Name("inference/cpu/float32/unet")->Apply(one_channel_image);
BENCHMARK(inference<classic, unet_transposed, bfloat16>)->Name("inference/cpu/bfloat16/unet")->Apply(one_channel_image);
BENCHMARK(inference<resnet18, unet, float>)->Name("inference/cpu/float32/resnet18_unet")->Apply(colour_image);
BENCHMARK(inference<plain<4, 16>, unet, float>)->Name("inference/cpu/float32/plain4x16_unet")->Apply(one_channel_image);
BENCHMARK(inference<resnet18, unet, bfloat16>)->Name("inference/cpu/bfloat16/resnet18_unet")->Apply(colour_image);

}  // namespace
}  // namespace aixcell

BENCHMARK_MAIN();
