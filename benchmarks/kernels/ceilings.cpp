// What the machine can do at most, to hold figures against: fused multiply-adds on values in registers, and copies of memory
// that no cache holds. Args: threads.
#include <benchmark/benchmark.h>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/cpu/detail/processor.hpp>

#include <algorithm>
#include <cstring>
#include <thread>

namespace aixcell {
namespace {

constexpr index_t chains = 12, rounds = 1 << 18;  // chains enough to hide the latency of two units

typedef float registers_of_4 __attribute__((vector_size(16)));
typedef float registers_of_8 __attribute__((vector_size(32)));
typedef float registers_of_16 __attribute__((vector_size(64)));

/// Becomes part of its caller, and is compiled for the caller's instruction set.
template <class Register>
__attribute__((always_inline)) inline float multiply_add_in(float start) {
  Register sum[chains];
  for (auto& s : sum) s = Register{} + start;
  for (index_t r = 0; r < rounds; ++r)
#pragma GCC unroll 12
    for (auto& s : sum) s = s * 0.999f + 0.001f;
  float all = 0;
  for (const auto& s : sum) all += s[0];
  return all;
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) float multiply_add_avx512(float start) {
  return multiply_add_in<registers_of_16>(start);
}
__attribute__((target("avx2,fma"))) float multiply_add_avx2(float start) {
  return multiply_add_in<registers_of_8>(start);
}
#endif

float multiply_add(float start) {
#if defined(__x86_64__)
  if (detail::processor().level == detail::instruction_level::avx512) return multiply_add_avx512(start);
  if (detail::processor().level == detail::instruction_level::avx2) return multiply_add_avx2(start);
#endif
  return multiply_add_in<registers_of_4>(start);
}

void fused_multiply_add(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const context<cpu> ctx(threads);
  for (auto _ : state)
    parallel_for(ctx, threads, [](index_t i) { benchmark::DoNotOptimize(multiply_add(static_cast<float>(i))); });
  state.SetLabel(std::string(to_string(detail::processor().level)));
  state.counters["FLOP/s"] =
      benchmark::Counter(static_cast<double>(threads * rounds * chains * 2 * detail::processor().lanes()),
                         benchmark::Counter::kIsIterationInvariantRate);
}

/// Bytes that are read and written.
void copy(benchmark::State& state) {
  const auto threads = static_cast<int>(state.range(0));
  const context<cpu> ctx(threads);
  constexpr index_t bytes = index_t{256} << 20;
  const tensor<std::uint8_t> from(shape{bytes});
  tensor<std::uint8_t> to(shape{bytes});
  for (auto _ : state) {
    parallel_ranges(ctx, bytes, (bytes + threads - 1) / threads, [&](index_t begin, index_t end) {
      std::memcpy(to.data() + begin, from.data() + begin, static_cast<std::size_t>(end - begin));
    });
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * 2 * bytes);
}

void threads(benchmark::internal::Benchmark* b) {
  b->ArgName("threads")->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);
  if (const auto all = static_cast<int>(std::thread::hardware_concurrency()); all > 1) b->Arg(all);
}

BENCHMARK(fused_multiply_add)->Apply(threads);
BENCHMARK(copy)->Apply(threads);

}  // namespace
}  // namespace aixcell

BENCHMARK_MAIN();
