#pragma once
#include <algorithm>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/conv2d.hpp>

namespace aixcell::detail {

/// Every channel under a filter of its own: memory-bound, so that no blocking pays and loops run over the channels of a
/// pixel. Filters are turned into taps [R*S,C] first.
template <class Real>
tensor<Real> taps_of(context<cpu>& ctx, view<const Real, cpu> filter) {
  const index_t channels = filter.extent(0), taps = filter.extent(1) * filter.extent(2);
  tensor<Real> packed(ctx, {taps, channels});
  for (index_t c = 0; c < channels; ++c)
    for (index_t t = 0; t < taps; ++t) packed(t, c) = filter[c * taps + t];
  return packed;
}

/// Calls f(tap, input row, input column) for the taps of output pixel (i, j) that lie inside x.
template <class Function>
void for_each_tap(const shape& x, const shape& filter, conv2d_geometry g, index_t i, index_t j, Function&& f) {
  for (index_t r = 0; r < filter[1]; ++r) {
    const index_t h = i * g.stride + r * g.dilation - g.padding;
    if (h < 0 || h >= x[1]) continue;
    for (index_t s = 0; s < filter[2]; ++s) {
      const index_t w = j * g.stride + s * g.dilation - g.padding;
      if (w >= 0 && w < x[2]) f(r * filter[2] + s, h, w);
    }
  }
}

/// `scale` and `bias` [C] or null.
template <class Real>
void depthwise(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> filter, conv2d_geometry g,
               const Real* scale, const Real* bias, view<Real, cpu> y) {
  tensor<Real> taps = taps_of(ctx, filter);
  const index_t channels = x.extent(3), width = x.extent(2);
  if (scale)
    for (index_t i = 0; i < taps.size(); ++i) taps[i] *= scale[i % channels];
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const index_t n = row / y.extent(1), i = row % y.extent(1);
    const Real* image = x.slice(n).data();
    for (index_t j = 0; j < y.extent(2); ++j) {
      Real* to = y.data() + (row * y.extent(2) + j) * channels;
      bias ? std::copy_n(bias, channels, to) : std::fill_n(to, channels, Real(0));
      for_each_tap(x.shape(), filter.shape(), g, i, j, [&](index_t tap, index_t h, index_t w) {
        const Real *from = image + (h * width + w) * channels, *weight = taps.data() + tap * channels;
#pragma omp simd
        for (index_t c = 0; c < channels; ++c) to[c] += weight[c] * from[c];
      });
    }
  });
}

template <class Real>
void depthwise_backward_data(context<cpu>& ctx, view<const Real, cpu> dy, view<const Real, cpu> filter,
                             conv2d_geometry g, view<Real, cpu> dx) {
  const tensor<Real> taps = taps_of(ctx, filter);
  const index_t channels = dx.extent(3), height = dy.extent(1), width = dy.extent(2), columns = filter.extent(2);
  parallel_for(ctx, dx.extent(0) * dx.extent(1), [&](index_t row) {
    const index_t n = row / dx.extent(1), h = row % dx.extent(1);
    for (index_t w = 0; w < dx.extent(2); ++w) {
      Real* to = dx.data() + (row * dx.extent(2) + w) * channels;
      std::fill_n(to, channels, Real(0));
      for (index_t r = 0; r < filter.extent(1); ++r) {
        const index_t i = h + g.padding - r * g.dilation;
        if (i < 0 || i % g.stride != 0 || i / g.stride >= height) continue;
        for (index_t s = 0; s < columns; ++s) {
          const index_t j = w + g.padding - s * g.dilation;
          if (j < 0 || j % g.stride != 0 || j / g.stride >= width) continue;
          const Real* from = dy.data() + ((n * height + i / g.stride) * width + j / g.stride) * channels;
          const Real* weight = taps.data() + (r * columns + s) * channels;
#pragma omp simd
          for (index_t c = 0; c < channels; ++c) to[c] += weight[c] * from[c];
        }
      }
    }
  });
}

/// Rows of dy are shared out by shape alone and the parts summed in order: same bits for any number of threads.
template <class Real>
void depthwise_backward_filter(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> dy, conv2d_geometry g,
                               view<Real, cpu> dfilter) {
  const index_t channels = x.extent(3), width = x.extent(2), taps = dfilter.extent(1) * dfilter.extent(2);
  const index_t rows = dy.extent(0) * dy.extent(1), shares = depthwise_shares(dy.shape());
  auto partial = tensor<Real>::zeros(ctx, {shares, taps, channels});
  parallel_for(ctx, shares, [&](index_t share) {
    Real* sums = partial.slice(share).data();
    for (index_t row = rows * share / shares; row < rows * (share + 1) / shares; ++row) {
      const index_t n = row / dy.extent(1), i = row % dy.extent(1);
      const Real* image = x.slice(n).data();
      for (index_t j = 0; j < dy.extent(2); ++j) {
        const Real* from_dy = dy.data() + (row * dy.extent(2) + j) * channels;
        for_each_tap(x.shape(), dfilter.shape(), g, i, j, [&](index_t tap, index_t h, index_t w) {
          const Real* from_x = image + (h * width + w) * channels;
          Real* sum = sums + tap * channels;
#pragma omp simd
          for (index_t c = 0; c < channels; ++c) sum[c] += from_x[c] * from_dy[c];
        });
      }
    }
  });
  for (index_t share = 0; share < shares; ++share)
    for (index_t t = 0; t < taps; ++t)
      for (index_t c = 0; c < channels; ++c) dfilter[c * taps + t] += partial(share, t, c);
}

}  // namespace aixcell::detail
