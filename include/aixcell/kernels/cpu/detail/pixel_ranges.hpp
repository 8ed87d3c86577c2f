#pragma once
#include <algorithm>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell::detail {

/// Values a task should at least touch, so that starting it costs nothing beside it.
inline constexpr index_t values_per_task = 1 << 15;

/// Calls f(n, begin, end) in parallel for ranges of pixels that together cover every image n of [N,H,W,C]. The ranges
/// depend on the shape only.
template <class Function>
void for_pixel_ranges(context<cpu>& ctx, const shape& x, Function&& f) {
  const index_t pixels = x[1] * x[2];
  const index_t grain = std::max<index_t>(1, values_per_task / std::max<index_t>(1, x[3]));
  const index_t ranges = (pixels + grain - 1) / grain;
  parallel_for(ctx, x[0] * ranges, [&](index_t task) {
    const index_t n = task / ranges, begin = task % ranges * grain;
    f(n, begin, std::min(pixels, begin + grain));
  });
}

/// sums [N,Q,C] = partial [N,parts,Q*C] summed over the parts, in order.
inline void sum_parts(context<cpu>& ctx, const tensor<double>& partial, view<double, cpu> sums) {
  const index_t parts = partial.extent(1), row = partial.extent(2);
  parallel_for(ctx, partial.extent(0), [&](index_t n) {
    double* to = sums.slice(n).data();
    std::fill_n(to, row, 0.0);
    for (index_t r = 0; r < parts; ++r)
      for (index_t i = 0; i < row; ++i) to[i] += partial[(n * parts + r) * row + i];
  });
}

/// sums [N,Q,C] = what `add(n, begin, end, partial)` adds to partial [Q,C] for every range of pixels, summed in order.
template <class Function>
void sum_pixel_ranges(context<cpu>& ctx, const shape& x, view<double, cpu> sums, Function&& add) {
  const index_t row = sums.extent(1) * sums.extent(2), pixels = x[1] * x[2];
  const index_t grain = std::max<index_t>(1, values_per_task / std::max<index_t>(1, x[3]));
  const index_t ranges = (pixels + grain - 1) / grain;
  auto partial = tensor<double>::zeros(ctx, {x[0], ranges, row});
  for_pixel_ranges(ctx, x, [&](index_t n, index_t begin, index_t end) {
    add(n, begin, end, partial.data() + (n * ranges + begin / grain) * row);
  });
  sum_parts(ctx, partial, sums);
}

/// Sums over the pixels of each image: x [N,H,W,C] to [N,1,C].
template <class Real>
tensor<double> pixel_sums(context<cpu>& ctx, view<const Real, cpu> x) {
  const index_t channels = x.extent(3);
  tensor<double> sums(ctx, {x.extent(0), 1, channels});
  sum_pixel_ranges(ctx, x.shape(), sums, [&](index_t n, index_t begin, index_t end, double* sum) {
    const Real* from = x.slice(n).data() + begin * channels;
    for (index_t p = begin; p < end; ++p, from += channels) {
#pragma omp simd
      for (index_t c = 0; c < channels; ++c) sum[c] += static_cast<double>(from[c]);
    }
  });
  return sums;
}

}  // namespace aixcell::detail
