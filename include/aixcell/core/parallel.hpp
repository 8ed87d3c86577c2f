#pragma once
#include <exception>

#include <aixcell/core/context.hpp>

namespace aixcell {

/// Calls f(i) for 0 <= i < count, on the context's threads; the caller takes part. Which thread runs which i is not
/// fixed, so f writes only what belongs to i. The first exception (lowest i that threw is not promised) is rethrown
/// after all threads have stopped. Without OpenMP the loop is serial.
template <class Function>
void parallel_for(const context<cpu>& ctx, index_t count, Function&& f) {
  if (count <= 1 || ctx.threads() == 1) {
    for (index_t i = 0; i < count; ++i) f(i);
    return;
  }
  std::exception_ptr failure = nullptr;
#pragma omp parallel for schedule(dynamic, 1) num_threads(ctx.threads())
  for (index_t i = 0; i < count; ++i) {
    try {
      f(i);
    } catch (...) {
#pragma omp critical(aixcell_parallel_for)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

/// Calls f(begin, end) for consecutive ranges of at most `grain` that together cover [0, count). The ranges depend on
/// `count` and `grain` only, never on the number of threads: partial sums per range, added in order, repeat exactly.
template <class Function>
void parallel_ranges(const context<cpu>& ctx, index_t count, index_t grain, Function&& f) {
  const index_t ranges = (count + grain - 1) / grain;
  parallel_for(ctx, ranges, [&](index_t r) { f(r * grain, r * grain + grain < count ? r * grain + grain : count); });
}

}  // namespace aixcell
