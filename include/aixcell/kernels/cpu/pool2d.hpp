#pragma once
#include <algorithm>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/pool2d.hpp>

namespace aixcell {

namespace detail {

/// Positions first..end-1.
struct span_of_cells {
  index_t begin, end;
  index_t size() const { return end - begin; }
};

/// Cells of an image of `extent` under window i.
inline span_of_cells cells_of_window(index_t i, pool2d_geometry g, index_t extent) {
  const index_t start = i * g.stride - g.padding;
  return {std::max<index_t>(0, start), std::min(extent, start + g.window)};
}

/// Windows, of `windows` in all, that cover cell h.
inline span_of_cells windows_of_cell(index_t h, pool2d_geometry g, index_t windows) {
  const index_t reach = h + g.padding;  // window i covers i * stride <= reach < i * stride + window
  const index_t begin = reach < g.window ? 0 : (reach - g.window) / g.stride + 1;
  return {begin, std::min(windows, reach / g.stride + 1)};
}

}  // namespace detail

template <class Real>
void max_pool2d(context<cpu>& ctx, view<const Real, cpu> x, pool2d_geometry g, view<Real, cpu> y,
                view<std::uint8_t, cpu> winners) {
  detail::require_pool2d_shapes("max_pool2d", x.shape(), g, y.shape());
  if (!winners.empty()) require_equal_shapes("max_pool2d", y, winners);
  const index_t channels = x.extent(3), width = x.extent(2);
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const index_t n = row / y.extent(1), i = row % y.extent(1);
    const Real* image = x.slice(n).data();
    const detail::span_of_cells rows = detail::cells_of_window(i, g, x.extent(1));
    for (index_t j = 0; j < y.extent(2); ++j) {
      const detail::span_of_cells columns = detail::cells_of_window(j, g, width);
      const index_t at = (row * y.extent(2) + j) * channels;
      Real* best = y.data() + at;
      std::uint8_t* winner = winners.empty() ? nullptr : winners.data() + at;
      bool first = true;
      for (index_t h = rows.begin; h < rows.end; ++h)
        for (index_t w = columns.begin; w < columns.end; ++w) {
          const Real* from = image + (h * width + w) * channels;
          const auto position =
              static_cast<std::uint8_t>((h - i * g.stride + g.padding) * g.window + w - j * g.stride + g.padding);
          if (first) {
            std::copy_n(from, channels, best);
            if (winner) std::fill_n(winner, channels, position);
            first = false;
          } else if (winner) {
#pragma omp simd
            for (index_t c = 0; c < channels; ++c) {
              const bool wins = !(from[c] <= best[c]) && best[c] == best[c];
              best[c] = wins ? from[c] : best[c];
              winner[c] = wins ? position : winner[c];
            }
          } else {
#pragma omp simd
            for (index_t c = 0; c < channels; ++c)
              best[c] = !(from[c] <= best[c]) && best[c] == best[c] ? from[c] : best[c];
          }
        }
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
    const detail::span_of_cells rows = detail::windows_of_cell(h, g, dy.extent(1));
    for (index_t w = 0; w < dx.extent(2); ++w) {
      const detail::span_of_cells columns = detail::windows_of_cell(w, g, dy.extent(2));
      Real* to = dx.data() + (row * dx.extent(2) + w) * channels;
      std::fill_n(to, channels, Real(0));
      for (index_t i = rows.begin; i < rows.end; ++i)
        for (index_t j = columns.begin; j < columns.end; ++j) {
          const index_t at = ((n * dy.extent(1) + i) * dy.extent(2) + j) * channels;
          const Real* from = dy.data() + at;
          const std::uint8_t* winner = winners.data() + at;
          const auto position =
              static_cast<std::uint8_t>((h - i * g.stride + g.padding) * g.window + w - j * g.stride + g.padding);
#pragma omp simd
          for (index_t c = 0; c < channels; ++c) to[c] += winner[c] == position ? from[c] : Real(0);
        }
    }
  });
}

template <class Real>
void average_pool2d(context<cpu>& ctx, view<const Real, cpu> x, pool2d_geometry g, view<Real, cpu> y) {
  detail::require_pool2d_shapes("average_pool2d", x.shape(), g, y.shape());
  const index_t channels = x.extent(3), width = x.extent(2);
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const index_t n = row / y.extent(1), i = row % y.extent(1);
    const detail::span_of_cells rows = detail::cells_of_window(i, g, x.extent(1));
    for (index_t j = 0; j < y.extent(2); ++j) {
      const detail::span_of_cells columns = detail::cells_of_window(j, g, width);
      Real* to = y.data() + (row * y.extent(2) + j) * channels;
      std::fill_n(to, channels, Real(0));
      const Real share = Real(1) / static_cast<Real>(rows.size() * columns.size());
      for (index_t h = rows.begin; h < rows.end; ++h)
        for (index_t w = columns.begin; w < columns.end; ++w) {
          const Real* from = x.slice(n).data() + (h * width + w) * channels;
#pragma omp simd
          for (index_t c = 0; c < channels; ++c) to[c] += share * from[c];
        }
    }
  });
}

template <class Real>
void average_pool2d_backward(context<cpu>& ctx, view<const Real, cpu> dy, pool2d_geometry g, view<Real, cpu> dx) {
  detail::require_pool2d_shapes("average_pool2d_backward", dx.shape(), g, dy.shape());
  const index_t channels = dx.extent(3);
  parallel_for(ctx, dx.extent(0) * dx.extent(1), [&](index_t row) {
    const index_t n = row / dx.extent(1), h = row % dx.extent(1);
    const detail::span_of_cells rows = detail::windows_of_cell(h, g, dy.extent(1));
    for (index_t w = 0; w < dx.extent(2); ++w) {
      const detail::span_of_cells columns = detail::windows_of_cell(w, g, dy.extent(2));
      Real* to = dx.data() + (row * dx.extent(2) + w) * channels;
      std::fill_n(to, channels, Real(0));
      for (index_t i = rows.begin; i < rows.end; ++i)
        for (index_t j = columns.begin; j < columns.end; ++j) {
          const Real share = Real(1) / static_cast<Real>(detail::cells_of_window(i, g, dx.extent(1)).size() *
                                                         detail::cells_of_window(j, g, dx.extent(2)).size());
          const Real* from = dy.slice(n).data() + (i * dy.extent(2) + j) * channels;
#pragma omp simd
          for (index_t c = 0; c < channels; ++c) to[c] += share * from[c];
        }
    }
  });
}

}  // namespace aixcell
