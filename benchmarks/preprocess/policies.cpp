// Preprocessing of one image of three channels, as every image of a data set goes through it. Arg: edge in pixels. One
// thread, and the bytes of image in and out per second beside the time.
#include <benchmark/benchmark.h>

#include <aixcell/core/random.hpp>
#include <aixcell/io/stack_projection.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/clahe.hpp>
#include <aixcell/preprocess/colour_deconvolution.hpp>
#include <aixcell/preprocess/flat_field.hpp>
#include <aixcell/preprocess/identity.hpp>
#include <aixcell/preprocess/illumination_correction.hpp>
#include <aixcell/preprocess/stain_separation.hpp>
#include <aixcell/preprocess/top_hat.hpp>
#include <aixcell/preprocess/z_score.hpp>

namespace aixcell {
namespace {

tensor<float> some_image(index_t edge, std::uint64_t seed) {
  random_stream random(seed);
  tensor<float> pixels({edge, edge, 3});
  for (float& v : pixels) v = random.uniform(40, 250);
  gaussian_blur(context<cpu>(1), pixels, {2, 2});
  return pixels;
}

class one_image final : public example_source {
 public:
  explicit one_image(const tensor<float>& pixels) : pixels_(pixels) {}
  index_t size() const override { return 1; }
  example load(index_t) const override {
    example e;
    e.picture.pixels = pixels_;
    e.truth.labels = label_map({pixels_.extent(0), pixels_.extent(1)});
    for (index_t i = 0; i < e.truth.labels.size(); ++i) e.truth.labels[i] = i % 997 < 20;
    return e;
  }

 private:
  tensor<float> pixels_;
};

template <class Policy>
void apply(benchmark::State& state) {
  context<cpu> ctx(1);
  const tensor<float> pixels = some_image(state.range(0), 1);
  const Policy policy{};
  const auto fitted = fit_preprocess(ctx, policy, one_image(pixels));
  for (auto _ : state) benchmark::DoNotOptimize(apply_preprocess(ctx, policy, fitted, pixels).data());
  state.SetBytesProcessed(state.iterations() * pixels.size() * 8);
}

template <z_projection Method>
void add_slice(benchmark::State& state) {
  context<cpu> ctx(1);
  const tensor<float> first = some_image(state.range(0), 1), second = some_image(state.range(0), 2);
  stack_projector projector(Method);
  projector.add(ctx, first);
  for (auto _ : state) projector.add(ctx, second);
  state.SetBytesProcessed(state.iterations() * first.size() * 4);
}

BENCHMARK(apply<identity>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<percentile>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<fitted_percentile>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<z_score>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<fitted_z_score>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<top_hat>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<clahe>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<illumination_correction>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<flat_field>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<colour_deconvolution<stains::haematoxylin_eosin>>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<stain_separation>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(apply<chain<stain_separation, percentile>>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(add_slice<z_projection::max>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(add_slice<z_projection::mean>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(add_slice<z_projection::focus_slice>)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK(add_slice<z_projection::focus_stack>)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace aixcell

BENCHMARK_MAIN();
