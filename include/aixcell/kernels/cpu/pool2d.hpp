#pragma once
#include <algorithm>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/detail/pixel_sources.hpp>
#include <aixcell/kernels/pool2d.hpp>

namespace aixcell {

namespace detail {

/// Where cell (h, w) lies in window (i, j).
inline std::uint8_t position_in_window(index_t h, index_t w, index_t i, index_t j, pool2d_geometry g) {
  return static_cast<std::uint8_t>((h - i * g.stride + g.padding) * g.window + w - j * g.stride + g.padding);
}

}  // namespace detail

template <class Real>
void max_pool2d(context<cpu>& ctx, view<const Real, cpu> x, pool2d_geometry g, view<Real, cpu> y,
                view<std::uint8_t, cpu> winners) {
  detail::require_pool2d_shapes("max_pool2d", x.shape(), g, y.shape());
  if (!winners.empty()) require_equal_shapes("max_pool2d", y, winners);
  const index_t channels = x.extent(3), width = x.extent(2);
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const index_t i = row % y.extent(1);
    const Real* image = x.slice(row / y.extent(1)).data();
    const detail::span_of_cells<index_t> rows = detail::cells_of_window(i, g, x.extent(1));
    detail::pixel_sources<Real> cells(ctx, g.window * g.window);
    for (index_t j = 0; j < y.extent(2); ++j) {
      const detail::span_of_cells<index_t> columns = detail::cells_of_window(j, g, width);
      const index_t at = (row * y.extent(2) + j) * channels;
      cells.clear();
      for (index_t h = rows.begin; h < rows.end; ++h)
        for (index_t w = columns.begin; w < columns.end; ++w)
          cells.add(image + (h * width + w) * channels, detail::position_in_window(h, w, i, j, g));
      cells.greatest(y.data() + at, winners.empty() ? nullptr : winners.data() + at, channels);
    }
  });
}

template <class Real>
void max_pool2d_backward(context<cpu>& ctx, view<const Real, cpu> dy, view<const std::uint8_t, cpu> winners,
                         pool2d_geometry g, view<Real, cpu> dx) {
  detail::require_pool2d_shapes("max_pool2d_backward", dx.shape(), g, dy.shape());
  require_equal_shapes("max_pool2d_backward", dy, winners);
  const index_t channels = dx.extent(3);
  parallel_for(ctx, dx.extent(0) * dx.extent(1), [&](index_t row) {
    const index_t n = row / dx.extent(1), h = row % dx.extent(1);
    const detail::span_of_cells<index_t> rows = detail::windows_of_cell(h, g, dy.extent(1));
    detail::pixel_sources<Real> windows(ctx, g.window * g.window);
    for (index_t w = 0; w < dx.extent(2); ++w) {
      const detail::span_of_cells<index_t> columns = detail::windows_of_cell(w, g, dy.extent(2));
      windows.clear();
      for (index_t i = rows.begin; i < rows.end; ++i)
        for (index_t j = columns.begin; j < columns.end; ++j) {
          const index_t at = ((n * dy.extent(1) + i) * dy.extent(2) + j) * channels;
          windows.add(dy.data() + at, winners.data() + at, detail::position_in_window(h, w, i, j, g));
        }
      windows.sum_of_won(dx.data() + (row * dx.extent(2) + w) * channels, channels);
    }
  });
}

template <class Real>
void average_pool2d(context<cpu>& ctx, view<const Real, cpu> x, pool2d_geometry g, view<Real, cpu> y) {
  detail::require_pool2d_shapes("average_pool2d", x.shape(), g, y.shape());
  const index_t channels = x.extent(3), width = x.extent(2);
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const Real* image = x.slice(row / y.extent(1)).data();
    const detail::span_of_cells<index_t> rows = detail::cells_of_window(row % y.extent(1), g, x.extent(1));
    detail::pixel_sources<Real> cells(ctx, g.window * g.window);
    for (index_t j = 0; j < y.extent(2); ++j) {
      const detail::span_of_cells<index_t> columns = detail::cells_of_window(j, g, width);
      const double share = 1.0 / static_cast<double>(rows.size() * columns.size());
      cells.clear();
      for (index_t h = rows.begin; h < rows.end; ++h)
        for (index_t w = columns.begin; w < columns.end; ++w)
          cells.add_weighted(image + (h * width + w) * channels, share);
      cells.weighted_sum(y.data() + (row * y.extent(2) + j) * channels, channels);
    }
  });
}

template <class Real>
void average_pool2d_backward(context<cpu>& ctx, view<const Real, cpu> dy, pool2d_geometry g, view<Real, cpu> dx) {
  detail::require_pool2d_shapes("average_pool2d_backward", dx.shape(), g, dy.shape());
  const index_t channels = dx.extent(3);
  parallel_for(ctx, dx.extent(0) * dx.extent(1), [&](index_t row) {
    const Real* image = dy.slice(row / dx.extent(1)).data();
    const detail::span_of_cells<index_t> rows = detail::windows_of_cell(row % dx.extent(1), g, dy.extent(1));
    detail::pixel_sources<Real> windows(ctx, g.window * g.window);
    for (index_t w = 0; w < dx.extent(2); ++w) {
      const detail::span_of_cells<index_t> columns = detail::windows_of_cell(w, g, dy.extent(2));
      windows.clear();
      for (index_t i = rows.begin; i < rows.end; ++i)
        for (index_t j = columns.begin; j < columns.end; ++j) {
          const index_t cells = detail::cells_of_window(i, g, dx.extent(1)).size() *
                                detail::cells_of_window(j, g, dx.extent(2)).size();
          windows.add_weighted(image + (i * dy.extent(2) + j) * channels, 1.0 / static_cast<double>(cells));
        }
      windows.weighted_sum(dx.data() + (row * dx.extent(2) + w) * channels, channels);
    }
  });
}

}  // namespace aixcell
