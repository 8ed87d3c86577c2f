// What makes objects out of maps, on one thread: an image of 2048x2048 with about 2,000 nuclei, some touching.
// `benchmark_kernels_objects --write FOLDER` writes image.npy, mask.npy and markers.npy there instead, for
// benchmarks/peers/objects.py, which measures SciPy, scikit-image and OpenCV on the same pixels.
#include <benchmark/benchmark.h>
#include <aixcell/core/random.hpp>
#include <aixcell/io/npy.hpp>
#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/cpu/distance_transform.hpp>
#include <aixcell/kernels/cpu/fill_holes.hpp>
#include <aixcell/kernels/cpu/gaussian_blur.hpp>
#include <aixcell/kernels/cpu/grey_opening.hpp>
#include <aixcell/kernels/cpu/watershed.hpp>
#include <aixcell/metrics/region_properties.hpp>
#include <aixcell/postprocess/star_convex.hpp>
#include <aixcell/preprocess/clahe.hpp>
#include <aixcell/preprocess/percentile.hpp>

#include <cmath>
#include <cstring>
#include <filesystem>

namespace aixcell {
namespace {

constexpr index_t edge = 2048;

struct scene {
  tensor<float> image{shape{edge, edge, 1}};        // 16-bit intensities
  tensor<std::uint8_t> mask{shape{edge, edge}};     // of nuclei
  tensor<std::int32_t> labels{shape{edge, edge}};   // connected parts of the mask
  tensor<float> distance{shape{edge, edge}};        // to the outside
  tensor<float> landscape{shape{edge, edge}};       // its negative
  tensor<std::int32_t> markers{shape{edge, edge}};  // what is deeper than 5 pixels

  scene() {
    random_stream random(1);
    context<cpu> ctx(1);
    for (int nucleus = 0; nucleus < 2000; ++nucleus) {
      const index_t row = 24 + random.below(edge - 48), column = 24 + random.below(edge - 48);
      const float a = random.uniform(8, 20), b = random.uniform(8, 16), turn = random.uniform(0, 3.14159f);
      const float brightness = random.uniform(1200, 3000);
      for (index_t i = -22; i <= 22; ++i)
        for (index_t j = -22; j <= 22; ++j) {
          const float u = (std::cos(turn) * static_cast<float>(j) + std::sin(turn) * static_cast<float>(i)) / a,
                      v = (std::cos(turn) * static_cast<float>(i) - std::sin(turn) * static_cast<float>(j)) / b;
          const float inside = 1 - u * u - v * v;
          const index_t at = (row + i) * edge + column + j;
          if (inside >= 0) mask[at] = 1;
          image[at] = std::max(image[at], brightness * std::clamp(inside + 0.3f, 0.0f, 1.0f));
        }
    }
    for (float& v : image) v = std::round(v + 400 + 60 * std::abs(random.normal()));
    connected_components(mask, connectivity::four, labels);
    distance_to_outside(ctx, labels, distance);
    tensor<std::uint8_t> deep({edge, edge});
    for (index_t p = 0; p < distance.size(); ++p) landscape[p] = -distance[p], deep[p] = distance[p] > 5;
    connected_components(deep, connectivity::four, markers);
  }
};

const scene& the_scene() {
  static const scene one;
  return one;
}

void report(benchmark::State& state) {
  state.counters["pixels/s"] =
      benchmark::Counter(static_cast<double>(edge * edge), benchmark::Counter::kIsIterationInvariantRate);
}

void components(benchmark::State& state) {
  tensor<std::int32_t> labels({edge, edge});
  for (auto _ : state)
    connected_components(the_scene().mask, state.range(0) == 4 ? connectivity::four : connectivity::eight, labels);
  report(state);
}

void distance(benchmark::State& state) {
  context<cpu> ctx(1);
  tensor<float> found({edge, edge});
  for (auto _ : state) distance_to_outside(ctx, the_scene().labels, found);
  report(state);
}

void flood(benchmark::State& state) {
  context<cpu> ctx(1);
  for (auto _ : state) {
    state.PauseTiming();
    auto labels = the_scene().markers.clone();
    state.ResumeTiming();
    watershed(ctx, the_scene().landscape, the_scene().mask, labels);
  }
  report(state);
}

void holes(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto labels = the_scene().labels.clone();
    state.ResumeTiming();
    fill_holes(labels);
  }
  report(state);
}

void blur(benchmark::State& state) {
  context<cpu> ctx(1);
  for (auto _ : state) {
    state.PauseTiming();
    auto image = the_scene().image.clone();
    state.ResumeTiming();
    gaussian_blur(ctx, image, {2, 2});
  }
  report(state);
}

void measurements(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(measure_regions(the_scene().labels).data());
  report(state);
}

/// What a network that has learned polygons well but not perfectly says of the scene: its target with errors of a few percent.
const tensor<float>& the_polygons() {
  static const tensor<float> one = [] {
    context<cpu> ctx(1);
    annotation truth;
    truth.labels = label_map({edge, edge});
    auto deep = the_scene().markers.clone();  // nuclei that touch are several
    watershed(ctx, the_scene().landscape, the_scene().mask, deep);
    std::copy(deep.begin(), deep.end(), truth.labels.begin());
    tensor<float> output = star_convex<32>{}.target(ctx, truth);
    random_stream random(2);
    for (index_t p = 0; p < edge * edge; ++p) {
      float* const at = output.data() + p * star_convex<32>::channels;
      const float likely = std::clamp(at[0] + 0.03f * random.normal(), 0.01f, 0.99f);
      at[0] = std::log(likely / (1 - likely));
      for (int k = 1; k < star_convex<32>::channels; ++k)
        at[k] = truth.labels[p] > 0 ? std::log(at[k]) + 0.04f * random.normal() : -3.0f;
    }
    return output;
  }();
  return one;
}

void polygons(benchmark::State& state) {
  context<cpu> ctx(static_cast<int>(state.range(0)));
  const tensor<float>& output = the_polygons();
  std::size_t found = 0;
  for (auto _ : state) {
    const prediction one = star_convex<32>{}.decode(ctx, output);
    found = one.objects.size();
    benchmark::DoNotOptimize(one.labels.data());
  }
  state.counters["objects"] = static_cast<double>(found);
  report(state);
}

void opening(benchmark::State& state) {
  context<cpu> ctx(1);
  for (auto _ : state) benchmark::DoNotOptimize(grey_opening(ctx, the_scene().image, state.range(0)).data());
  report(state);
}

template <class Policy>
void preprocess(benchmark::State& state) {
  context<cpu> ctx(1);
  for (auto _ : state) benchmark::DoNotOptimize(Policy{}.apply(ctx, the_scene().image).data());
  report(state);
}

BENCHMARK(components)->Name("connected_components")->Arg(4)->Arg(8)->Unit(benchmark::kMillisecond);
BENCHMARK(distance)->Name("distance_transform")->Unit(benchmark::kMillisecond);
BENCHMARK(flood)->Name("watershed")->Unit(benchmark::kMillisecond);
BENCHMARK(holes)->Name("fill_holes")->Unit(benchmark::kMillisecond);
BENCHMARK(blur)->Name("gaussian_blur")->Unit(benchmark::kMillisecond);
BENCHMARK(measurements)->Name("measure_regions")->Unit(benchmark::kMillisecond);
BENCHMARK(polygons)
    ->Name("star_convex_decode")
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(preprocess<percentile>)->Name("percentile")->Unit(benchmark::kMillisecond);
BENCHMARK(preprocess<clahe>)->Name("clahe")->Unit(benchmark::kMillisecond);
BENCHMARK(opening)->Name("grey_opening")->Arg(15)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace aixcell

int main(int argc, char** argv) {
  using namespace aixcell;
  if (argc == 3 && std::strcmp(argv[1], "--write") == 0) {
    const std::filesystem::path folder = argv[2];
    write_npy(folder / "image.npy", the_scene().image);
    tensor<float> mask({edge, edge}), markers({edge, edge});
    std::copy(the_scene().mask.begin(), the_scene().mask.end(), mask.begin());
    for (index_t p = 0; p < markers.size(); ++p) markers[p] = static_cast<float>(the_scene().markers[p]);
    write_npy(folder / "mask.npy", mask);
    write_npy(folder / "markers.npy", markers);
    return 0;
  }
  the_scene();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
