#pragma once
#include <algorithm>

#include <aixcell/core/bfloat16.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/adaptive_pool.hpp>

namespace aixcell {

namespace detail {
struct adaptive_cell {
  index_t begin, end;
};
constexpr adaptive_cell cell_of(index_t i, index_t cells, index_t extent) {
  return {i * extent / cells, ((i + 1) * extent + cells - 1) / cells};
}
}  // namespace detail

template <class Real>
void adaptive_average(context<cpu>& ctx, view<const Real, cpu> x, view<Real, cpu> y) {
  detail::require_adaptive("adaptive_average", x.shape(), y.shape());
  const index_t channels = x.extent(3);
  parallel_for(ctx, y.extent(0) * y.extent(1) * y.extent(2), [&](index_t cell) {
    const index_t n = cell / (y.extent(1) * y.extent(2)), i = cell / y.extent(2) % y.extent(1), j = cell % y.extent(2);
    const auto rows = detail::cell_of(i, y.extent(1), x.extent(1)),
               columns = detail::cell_of(j, y.extent(2), x.extent(2));
    const auto share = 1 / static_cast<master_of<Real>>((rows.end - rows.begin) * (columns.end - columns.begin));
    tensor<master_of<Real>> sums(ctx, {channels});
    sums.fill(0);
    auto* const sum = sums.data();
    for (index_t h = rows.begin; h < rows.end; ++h)
      for (index_t w = columns.begin; w < columns.end; ++w) {
        const Real* from = x.slice(n).data() + (h * x.extent(2) + w) * channels;
#pragma omp simd
        for (index_t c = 0; c < channels; ++c) sum[c] += share * from[c];
      }
    std::transform(sum, sum + channels, y.data() + cell * channels, [](auto v) { return static_cast<Real>(v); });
  });
}

template <class Real>
void adaptive_average_backward(context<cpu>& ctx, view<const Real, cpu> dy, view<Real, cpu> dx) {
  detail::require_adaptive("adaptive_average_backward", dx.shape(), dy.shape());
  const index_t channels = dx.extent(3), height = dx.extent(1), width = dx.extent(2);
  parallel_for(ctx, dx.extent(0) * height, [&](index_t row) {
    const index_t n = row / height, h = row % height;
    std::fill_n(dx.data() + row * width * channels, width * channels, Real(0));
    for (index_t i = 0; i < dy.extent(1); ++i) {
      const auto rows = detail::cell_of(i, dy.extent(1), height);
      if (h < rows.begin || h >= rows.end) continue;
      for (index_t j = 0; j < dy.extent(2); ++j) {
        const auto columns = detail::cell_of(j, dy.extent(2), width);
        const auto share = 1 / static_cast<master_of<Real>>((rows.end - rows.begin) * (columns.end - columns.begin));
        const Real* from = dy.slice(n).data() + (i * dy.extent(2) + j) * channels;
        for (index_t w = columns.begin; w < columns.end; ++w) {
          Real* to = dx.data() + (row * width + w) * channels;
#pragma omp simd
          for (index_t c = 0; c < channels; ++c) to[c] = static_cast<Real>(to[c] + share * from[c]);
        }
      }
    }
  });
}

}  // namespace aixcell
