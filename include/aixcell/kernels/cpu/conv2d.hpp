#pragma once
#include <algorithm>
#include <type_traits>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/cpu/detail/correlation.hpp>

namespace aixcell {

namespace detail {

/// y = act(y + residual), row by row while the row is in cache.
template <class Real>
void finish_convolution(context<cpu>& ctx, const conv2d_epilogue<Real, cpu>& e, view<Real, cpu> y) {
  if (e.residual.empty() && e.act == activation::none) return;
  with_constant_activation(e.act, [&](auto act) {
    parallel_ranges(ctx, y.size(), 1 << 15, [&](index begin, index end) {
      Real* to = y.data();
      if (const Real* residual = e.residual.data(); !e.residual.empty()) {
#pragma omp simd
        for (index i = begin; i < end; ++i) to[i] = activate(act(), to[i] + residual[i]);
      } else {
#pragma omp simd
        for (index i = begin; i < end; ++i) to[i] = activate(act(), to[i]);
      }
    });
  });
}

}  // namespace detail

template <class Real>
void conv2d(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> filter, conv2d_geometry g,
            const conv2d_epilogue<Real, cpu>& e, view<Real, cpu> y) {
  detail::require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  const index outputs = filter.extent(0), rows = filter.extent(1), columns = filter.extent(2), inputs = filter.extent(3);
  if constexpr (std::is_same_v<Real, float>) {
    detail::correlation c{.x = x,
                          .tap_rows = static_cast<int>(rows),
                          .tap_columns = static_cast<int>(columns),
                          .stride = g.stride,
                          .row_offset = -g.padding,
                          .column_offset = -g.padding,
                          .outputs = outputs,
                          .bias = e.bias.data(),
                          .out = {y.data(), y.extent(1), y.extent(2), outputs, y.extent(2) * outputs,
                                  y.extent(1) * y.extent(2) * outputs}};
    const float* scale = e.scale.data();
    detail::correlate_images(ctx, c, [=](index k, index r, index s, index channel) {
      const float w = filter[((k * rows + r) * columns + s) * inputs + channel];
      return scale ? w * scale[k] : w;
    });
  } else {
    parallel_for(ctx, y.extent(0) * y.extent(1), [&](index row) {
      const index n = row / y.extent(1), i = row % y.extent(1);
      for (index j = 0; j < y.extent(2); ++j)
        for (index k = 0; k < outputs; ++k) {
          Real sum = 0;
          for (index r = 0; r < rows; ++r)
            for (index s = 0; s < columns; ++s) {
              const index h = i * g.stride + r - g.padding, w = j * g.stride + s - g.padding;
              if (h < 0 || h >= x.extent(1) || w < 0 || w >= x.extent(2)) continue;
              for (index c = 0; c < inputs; ++c) sum += x(n, h, w, c) * filter(k, r, s, c);
            }
          y(n, i, j, k) = sum * (e.scale.empty() ? Real(1) : e.scale[k]) + (e.bias.empty() ? Real(0) : e.bias[k]);
        }
    });
  }
  detail::finish_convolution(ctx, e, y);
}

template <class Real>
void conv2d_backward_data(context<cpu>& ctx, view<const Real, cpu> dy, view<const Real, cpu> filter, conv2d_geometry g,
                          view<Real, cpu> dx) {
  detail::require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  const index outputs = filter.extent(0), rows = filter.extent(1), columns = filter.extent(2), inputs = filter.extent(3);
  const index height = dx.extent(1), width = dx.extent(2), s = g.stride;
  if constexpr (std::is_same_v<Real, float>) {
    // Inputs at h = s * i + phase meet only every s-th filter row, so each phase is a stride-1 correlation of dy with
    // part of the filter, turned round: tap t reads dy at i + reach - t, where reach = (phase + padding) / s.
    for (index ph = 0; ph < std::min(s, height); ++ph)
      for (index pw = 0; pw < std::min(s, width); ++pw) {
        const index r0 = (ph + g.padding) % s, s0 = (pw + g.padding) % s;
        const index taps_r = r0 < rows ? (rows - r0 + s - 1) / s : 0, taps_s = s0 < columns ? (columns - s0 + s - 1) / s : 0;
        detail::correlation c{
            .x = dy,
            .tap_rows = static_cast<int>(taps_s > 0 ? taps_r : 0),
            .tap_columns = static_cast<int>(taps_s),
            .stride = 1,
            .row_offset = (ph + g.padding) / s - (taps_r - 1),
            .column_offset = (pw + g.padding) / s - (taps_s - 1),
            .outputs = inputs,
            .bias = nullptr,
            .out = {dx.data() + (ph * width + pw) * inputs, (height - ph + s - 1) / s, (width - pw + s - 1) / s,
                    s * inputs, s * width * inputs, height * width * inputs}};
        detail::correlate_images(ctx, c, [=](index input, index r, index t, index output) {
          return filter[((output * rows + r0 + s * (taps_r - 1 - r)) * columns + s0 + s * (taps_s - 1 - t)) * inputs + input];
        });
      }
  } else {
    parallel_for(ctx, dx.extent(0) * height, [&](index row) {
      const index n = row / height, h = row % height;
      for (index w = 0; w < width; ++w)
        for (index c = 0; c < inputs; ++c) {
          Real sum = 0;
          for (index r = 0; r < rows; ++r)
            for (index t = 0; t < columns; ++t) {
              const index i = h + g.padding - r, j = w + g.padding - t;
              if (i < 0 || j < 0 || i % s || j % s || i / s >= dy.extent(1) || j / s >= dy.extent(2)) continue;
              for (index k = 0; k < outputs; ++k) sum += dy(n, i / s, j / s, k) * filter(k, r, t, c);
            }
          dx(n, h, w, c) = sum;
        }
    });
  }
}

template <class Real>
void conv2d_backward_filter(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> dy, conv2d_geometry g,
                            view<Real, cpu> dfilter) {
  detail::require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  if constexpr (std::is_same_v<Real, float>) {
    detail::accumulate_filter_gradient(ctx, x, dy, g, dfilter);
  } else {
    parallel_for(ctx, dfilter.extent(0), [&](index k) {
      for (index r = 0; r < dfilter.extent(1); ++r)
        for (index s = 0; s < dfilter.extent(2); ++s)
          for (index n = 0; n < x.extent(0); ++n)
            for (index i = 0; i < dy.extent(1); ++i)
              for (index j = 0; j < dy.extent(2); ++j) {
                const index h = i * g.stride + r - g.padding, w = j * g.stride + s - g.padding;
                if (h < 0 || h >= x.extent(1) || w < 0 || w >= x.extent(2)) continue;
                for (index c = 0; c < x.extent(3); ++c) dfilter(k, r, s, c) += x(n, h, w, c) * dy(n, i, j, k);
              }
    });
  }
}

}  // namespace aixcell
