#pragma once
#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

template <class Real>
void accumulate(context<cpu>& ctx, view<const Real, cpu> x, view<Real, cpu> y) {
  require_equal_shapes("accumulate", x, y);
  const Real* from = x.data();
  Real* to = y.data();
  parallel_ranges(ctx, x.size(), 1 << 15, [=](index_t begin, index_t end) {
#pragma omp simd
    for (index_t i = begin; i < end; ++i) to[i] += from[i];
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
      for (index_t i = begin; i < end; ++i) to[i] = activate(a(), from[i]);
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
      for (index_t i = begin; i < end; ++i) to[i] = g[i] * activate_derivative(a(), from[i]);
    });
  });
}

}  // namespace aixcell
