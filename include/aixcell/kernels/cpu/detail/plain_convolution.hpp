#pragma once
#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/conv2d.hpp>

namespace aixcell::detail {

// Any geometry and element type, as the definition says: what gradient checks in float64 run on, and what has no faster
// path.

template <class Real>
void plain_convolution(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> filter, conv2d_geometry g,
                       const Real* scale, const Real* bias, view<Real, cpu> y) {
  const index_t outputs = y.extent(3), inputs = filter.extent(3), in_group = outputs / g.groups;
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const index_t n = row / y.extent(1), i = row % y.extent(1);
    for (index_t j = 0; j < y.extent(2); ++j)
      for (index_t k = 0; k < outputs; ++k) {
        const index_t first = k / in_group * inputs;
        Real sum = 0;
        for (index_t r = 0; r < filter.extent(1); ++r)
          for (index_t s = 0; s < filter.extent(2); ++s) {
            const index_t h = i * g.stride + r * g.dilation - g.padding, w = j * g.stride + s * g.dilation - g.padding;
            if (h < 0 || h >= x.extent(1) || w < 0 || w >= x.extent(2)) continue;
            for (index_t c = 0; c < inputs; ++c) sum += x(n, h, w, first + c) * filter(k, r, s, c);
          }
        y(n, i, j, k) = sum * (scale ? scale[k] : Real(1)) + (bias ? bias[k] : Real(0));
      }
  });
}

template <class Real>
void plain_backward_data(context<cpu>& ctx, view<const Real, cpu> dy, view<const Real, cpu> filter, conv2d_geometry g,
                         view<Real, cpu> dx) {
  const index_t height = dx.extent(1), inputs = filter.extent(3), in_group = filter.extent(0) / g.groups;
  parallel_for(ctx, dx.extent(0) * height, [&](index_t row) {
    const index_t n = row / height, h = row % height;
    for (index_t w = 0; w < dx.extent(2); ++w)
      for (index_t c = 0; c < dx.extent(3); ++c) {
        const index_t first = c / inputs * in_group;
        Real sum = 0;
        for (index_t r = 0; r < filter.extent(1); ++r)
          for (index_t t = 0; t < filter.extent(2); ++t) {
            const index_t i = h + g.padding - r * g.dilation, j = w + g.padding - t * g.dilation, s = g.stride;
            if (i < 0 || j < 0 || i % s || j % s || i / s >= dy.extent(1) || j / s >= dy.extent(2)) continue;
            for (index_t k = first; k < first + in_group; ++k)
              sum += dy(n, i / s, j / s, k) * filter(k, r, t, c % inputs);
          }
        dx(n, h, w, c) = sum;
      }
  });
}

template <class Real>
void plain_backward_filter(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> dy, conv2d_geometry g,
                           view<Real, cpu> dfilter) {
  const index_t inputs = dfilter.extent(3), in_group = dfilter.extent(0) / g.groups;
  parallel_for(ctx, dfilter.extent(0), [&](index_t k) {
    const index_t first = k / in_group * inputs;
    for (index_t r = 0; r < dfilter.extent(1); ++r)
      for (index_t s = 0; s < dfilter.extent(2); ++s)
        for (index_t n = 0; n < x.extent(0); ++n)
          for (index_t i = 0; i < dy.extent(1); ++i)
            for (index_t j = 0; j < dy.extent(2); ++j) {
              const index_t h = i * g.stride + r * g.dilation - g.padding,
                            w = j * g.stride + s * g.dilation - g.padding;
              if (h < 0 || h >= x.extent(1) || w < 0 || w >= x.extent(2)) continue;
              for (index_t c = 0; c < inputs; ++c) dfilter(k, r, s, c) += x(n, h, w, first + c) * dy(n, i, j, k);
            }
  });
}

}  // namespace aixcell::detail
