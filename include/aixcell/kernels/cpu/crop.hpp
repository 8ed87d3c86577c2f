#pragma once
#include <algorithm>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/crop.hpp>

namespace aixcell {

template <class Real>
void crop(context<cpu>& ctx, view<const Real, cpu> x, view<Real, cpu> y) {
  detail::require_crop("crop", x.shape(), y.shape());
  const index_t run = y.extent(2) * y.extent(3), pitch = x.extent(2) * x.extent(3);
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const index_t n = row / y.extent(1), i = row % y.extent(1);
    std::copy_n(x.slice(n).data() + i * pitch, run, y.data() + row * run);
  });
}

template <class Real>
void crop_backward(context<cpu>& ctx, view<const Real, cpu> dy, view<Real, cpu> dx) {
  detail::require_crop("crop_backward", dx.shape(), dy.shape());
  const index_t run = dy.extent(2) * dy.extent(3), pitch = dx.extent(2) * dx.extent(3);
  parallel_for(ctx, dx.extent(0) * dx.extent(1), [&](index_t row) {
    const index_t n = row / dx.extent(1), i = row % dx.extent(1);
    Real* to = dx.data() + row * pitch;
    const index_t inside = i < dy.extent(1) ? run : 0;
    if (inside > 0) std::copy_n(dy.slice(n).data() + i * run, run, to);
    std::fill(to + inside, to + pitch, Real(0));
  });
}

}  // namespace aixcell
