#pragma once
#include <exception>
#include <memory>
#include <type_traits>

#include <aixcell/core/context.hpp>

namespace aixcell {

namespace detail {

/// The loop of parallel_for, compiled once for all bodies: as a template it would hold each of them twice, in the serial
/// and in the parallel loop, and kernels are what costs compile time. The call is nothing beside a row of an image.
[[gnu::noinline]] inline void parallel_loop(int threads, index_t count, void (*body)(void*, index_t), void* state) {
  if (count <= 1 || threads == 1) {
    for (index_t i = 0; i < count; ++i) body(state, i);
    return;
  }
  std::exception_ptr failure = nullptr;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (index_t i = 0; i < count; ++i) {
    try {
      body(state, i);
    } catch (...) {
#pragma omp critical(aixcell_parallel_for)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace detail

/// Calls f(i) for 0 <= i < count, on the context's threads; the caller takes part. Which thread runs which i is not
/// fixed, so f writes only what belongs to i. The first exception (lowest i that threw is not promised) is rethrown
/// after all threads have stopped. Without OpenMP the loop is serial.
template <class Function>
void parallel_for(const context<cpu>& ctx, index_t count, Function&& f) {
  using body = std::remove_reference_t<Function>;
  detail::parallel_loop(
      ctx.threads(), count, [](void* state, index_t i) { (*static_cast<body*>(state))(i); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

/// Calls f(begin, end) for consecutive ranges of at most `grain` that together cover [0, count). The ranges depend on
/// `count` and `grain` only, never on the number of threads: partial sums per range, added in order, repeat exactly.
template <class Function>
void parallel_ranges(const context<cpu>& ctx, index_t count, index_t grain, Function&& f) {
  const index_t ranges = (count + grain - 1) / grain;
  parallel_for(ctx, ranges, [&](index_t r) { f(r * grain, r * grain + grain < count ? r * grain + grain : count); });
}

}  // namespace aixcell
