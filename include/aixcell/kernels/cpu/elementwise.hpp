#pragma once
#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/detail/stored_values.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

template <class Real>
void accumulate(context<cpu>& ctx, view<const Real, cpu> x, view<Real, cpu> y) {
  require_equal_shapes("accumulate", x, y);
  const Real* from = x.data();
  Real* to = y.data();
  parallel_ranges(ctx, x.size(), 1 << 15, [=](index_t begin, index_t end) {
    detail::image_loops_of<Real>().add(detail::stored(from + begin), detail::stored(to + begin), end - begin);
  });
}

template <class Real>
void apply_activation(context<cpu>& ctx, view<const Real, cpu> x, activation act, view<Real, cpu> y) {
  require_equal_shapes("apply_activation", x, y);
  const Real* from = x.data();
  Real* to = y.data();
  detail::with_constant_activation(act, [&](auto a) {
    parallel_ranges(ctx, x.size(), 1 << 15, [=](index_t begin, index_t end) {
#pragma omp simd
      for (index_t i = begin; i < end; ++i) to[i] = static_cast<Real>(activate(a(), master_of<Real>(from[i])));
    });
  });
}

template <class Real>
void activation_backward(context<cpu>& ctx, view<const Real, cpu> dy, view<const Real, cpu> x, activation act,
                         view<Real, cpu> dx) {
  require_equal_shapes("activation_backward", dy, x, dx);
  const Real *g = dy.data(), *from = x.data();
  Real* to = dx.data();
  detail::with_constant_activation(act, [&](auto a) {
    parallel_ranges(ctx, x.size(), 1 << 15, [=](index_t begin, index_t end) {
#pragma omp simd
      for (index_t i = begin; i < end; ++i) to[i] = static_cast<Real>(g[i] * activate_derivative(a(), master_of<Real>(from[i])));
    });
  });
}

template <class To, class From>
void convert(context<cpu>& ctx, view<const From, cpu> x, view<To, cpu> y) {
  require_equal_shapes("convert", x, y);
  const From* from = x.data();
  To* to = y.data();
  parallel_ranges(ctx, x.size(), 1 << 15, [=](index_t begin, index_t end) {
    const detail::instruction_set& cpu_set = detail::best_instruction_set();
    if constexpr (std::is_same_v<To, bfloat16> && std::is_same_v<From, float>)
      cpu_set.narrow(from + begin, detail::stored(to + begin), end - begin);
    else if constexpr (std::is_same_v<To, float> && std::is_same_v<From, bfloat16>)
      cpu_set.widen(detail::stored(from + begin), to + begin, end - begin);
    else
      for (index_t i = begin; i < end; ++i) to[i] = static_cast<To>(from[i]);
  });
}

}  // namespace aixcell
