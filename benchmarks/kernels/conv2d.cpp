// Convolution: forward, data gradient, filter gradient, with the machine's ceiling and, in float32, Eigen's matrix product of
// the same size (im2col, without the cost of building it) beside it. Args: N, H = W, C, K, R = S, stride.
#include <benchmark/benchmark.h>
#include <aixcell/kernels/cpu/conv2d.hpp>

#include <Eigen/Core>

#include <chrono>

namespace aixcell {
namespace {

/// Best of some runs of work(thread) of so many operations on every thread.
template <class Work>
double best_rate(int threads, double operations, Work&& work) {
  context<cpu> ctx(threads);
  double best = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto start = std::chrono::steady_clock::now();
    parallel_for(ctx, threads, work);
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, threads * operations / s);
  }
  return best;
}

/// Operations per second that the tiles of Real reach on data in the first-level cache: what memory never slows.
template <class Real>
double ceiling_flops_per_s(int threads) {
  static const double measured = [&] {
    if constexpr (std::is_same_v<Real, bfloat16>) {
      constexpr index_t pixels = 32, chunks = 8, window = 32 * chunks, block = 32, repeats = 20000;
      if (!detail::processor().matrix_unit) return ceiling_flops_per_s<float>(threads);
      return best_rate(threads, 2.0 * repeats * pixels * window * block, [&](index_t) {
        tensor<bfloat16> x({pixels, window}), filter({window, block}), y({pixels, block});
        tensor<float> scale_and_bias({2, block});
        detail::matrix_run run{};
        run.x = detail::bits(x.data()), run.x_pixel_step = window, run.tap_rows = 1, run.chunks = chunks;
        run.filter = detail::bits(filter.data()), run.scale = scale_and_bias.data(), run.bias = run.scale + block;
        run.blocks = 2, run.channels = block, run.positions = run.pitch = run.width = pixels;
        run.y = detail::bits(y.data()), run.y_pixel_step = block;
        for (index_t r = 0; r < repeats; ++r) detail::best_matrix_unit().correlate(run);
        benchmark::DoNotOptimize(y.data());
      });
    } else {
      constexpr index_t pixels = 48, window = 64, block = 32, repeats = 4000;
      const detail::instruction_set& set = detail::best_instruction_set();
      const int width = 2 * detail::processor().lanes();
      return best_rate(threads, 2.0 * repeats * pixels * window * width, [&](index_t) {
        tensor<float> x({pixels, window}), filter({window, block}), y({pixels, block});
        for (index_t r = 0; r < repeats; ++r)
          set.correlate(
              {x.data(), 0, window, 1, window, filter.data(), nullptr, width, width, y.data(), block, pixels, nullptr, false});
        benchmark::DoNotOptimize(y.data());
      });
    }
  }();
  return measured;
}

template <class Real>
struct workload {
  explicit workload(const benchmark::State& state)
      : g{static_cast<int>(state.range(5)), static_cast<int>(state.range(4)) / 2},
        x({state.range(0), state.range(1), state.range(1), state.range(2)}),
        filter({state.range(3), state.range(4), state.range(4), state.range(2)}),
        y(conv2d_output_shape(x.shape(), filter.shape(), g)) {
    x.fill(Real(0.5f)), filter.fill(0.25f), y.fill(Real(0.125f));
  }

  void report(benchmark::State& state, int threads) const {
    const double flops = conv2d_cost(x.shape(), filter.shape(), y.shape(), sizeof(Real)).flops;
    state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
    state.counters["ceiling"] = ceiling_flops_per_s<Real>(threads);
    state.SetLabel(std::string(to_string(detail::processor().level)));
  }

  conv2d_geometry g;
  tensor<Real> x;
  tensor<float> filter;
  tensor<Real> y;
};

enum class direction { forward, data_gradient, filter_gradient };

template <class Real, direction Direction>
void convolution_cpu(benchmark::State& state) {
  context<cpu> ctx;
  workload<Real> w(state);
  for (auto _ : state) {
    if constexpr (Direction == direction::forward) conv2d<Real>(ctx, w.x, w.filter, w.g, {}, w.y);
    if constexpr (Direction == direction::data_gradient) conv2d_backward_data<Real>(ctx, w.y, w.filter, w.g, w.x);
    if constexpr (Direction == direction::filter_gradient) conv2d_backward_filter<Real>(ctx, w.x, w.y, w.g, w.filter);
    benchmark::ClobberMemory();
  }
  w.report(state, ctx.threads());
}

void eigen_product(benchmark::State& state) {
  context<cpu> ctx;
  workload<float> w(state);
  const index_t columns = w.y.size() / w.y.extent(3), depth = w.filter.size() / w.filter.extent(0);
  Eigen::MatrixXf patches = Eigen::MatrixXf::Constant(depth, columns, 0.5f), out(w.filter.extent(0), columns);
  Eigen::MatrixXf filter = Eigen::MatrixXf::Constant(w.filter.extent(0), depth, 0.25f);
  for (auto _ : state) {
    out.noalias() = filter * patches;
    benchmark::DoNotOptimize(out.data());
  }
  w.report(state, ctx.threads());
}

void shapes(benchmark::internal::Benchmark* b) {
  b->ArgNames({"N", "H", "C", "K", "R", "stride"});
  b->Args({4, 256, 1, 16, 3, 1})
      ->Args({4, 256, 16, 16, 3, 1})
      ->Args({4, 256, 32, 32, 3, 1})
      ->Args({4, 256, 64, 64, 3, 1});
  b->Args({4, 256, 3, 64, 7, 2})
      ->Args({4, 64, 64, 128, 3, 2})
      ->Args({4, 64, 256, 64, 1, 1})
      ->Args({4, 32, 256, 256, 3, 1});
  b->Args({4, 8, 512, 512, 3, 1})->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(convolution_cpu<float, direction::forward>)->Name("conv2d/cpu/float32")->Apply(shapes);
BENCHMARK(convolution_cpu<float, direction::data_gradient>)->Name("conv2d_backward_data/cpu/float32")->Apply(shapes);
BENCHMARK(convolution_cpu<float, direction::filter_gradient>)->Name("conv2d_backward_filter/cpu/float32")->Apply(shapes);
BENCHMARK(convolution_cpu<bfloat16, direction::forward>)->Name("conv2d/cpu/bfloat16")->Apply(shapes);
BENCHMARK(convolution_cpu<bfloat16, direction::data_gradient>)->Name("conv2d_backward_data/cpu/bfloat16")->Apply(shapes);
BENCHMARK(convolution_cpu<bfloat16, direction::filter_gradient>)
    ->Name("conv2d_backward_filter/cpu/bfloat16")
    ->Apply(shapes);
BENCHMARK(eigen_product)
    ->Name("conv2d/eigen_im2col")
    ->Args({1, 256, 32, 32, 3, 1})
    ->Args({1, 256, 64, 64, 3, 1})
    ->ArgNames({"N", "H", "C", "K", "R", "stride"})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace aixcell

BENCHMARK_MAIN();
