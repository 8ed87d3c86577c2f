#pragma once
#include <cstdint>

#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

/// A square window that moves by `stride` and starts `padding` pixels outside the image, padding < window <= 15.
/// Cells outside the image do not take part, so images of any size from 1x1 work.
struct pool2d_geometry {
  int window = 2;
  int stride = 2;
  int padding = 0;
};

/// [N,H,W,C] gives [N,ceil(H/stride),ceil(W/stride),C].
constexpr shape pool2d_output_shape(const shape& x, pool2d_geometry g) {
  return {x[0], (x[1] + g.stride - 1) / g.stride, (x[2] + g.stride - 1) / g.stride, x[3]};
}

// Pooling and its adjoints, as gathers: every output is written once, by one thread, in a fixed order.
//
//   max_pool2d            y = maximum of the window; NaN wins; winners = position in the window, row * window + column
//                         (of the first of equal values), or an empty view if nobody asks
//   max_pool2d_backward   dx = dy where the window's winner is x, else 0
//   average_pool2d        y = mean of the cells of the window that lie inside the image
//   average_pool2d_backward
//
// x [N,H,W,C], y as pool2d_output_shape says (else shape_error), winners as y.

namespace detail {

/// Positions begin..end-1.
template <class Int>
struct span_of_cells {
  Int begin, end;
  constexpr Int size() const { return end - begin; }
};

/// Cells of an image of `extent` under window i.
template <class Int>
constexpr span_of_cells<Int> cells_of_window(Int i, pool2d_geometry g, Int extent) {
  const Int start = i * g.stride - g.padding;
  return {start < 0 ? 0 : start, start + g.window < extent ? start + g.window : extent};
}

/// Windows, of `windows` in all, that cover cell h.
template <class Int>
constexpr span_of_cells<Int> windows_of_cell(Int h, pool2d_geometry g, Int windows) {
  const Int reach = h + g.padding;  // window i covers i * stride <= reach < i * stride + window
  const Int end = reach / g.stride + 1;
  return {reach < g.window ? 0 : (reach - g.window) / g.stride + 1, end < windows ? end : windows};
}

inline void require_pool2d_shapes(std::string_view where, const shape& x, pool2d_geometry g, const shape& y) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, pool2d_output_shape(x, g), y);
}
constexpr cost pool2d_cost(const shape& x, pool2d_geometry g, const shape& y, std::size_t element) {
  return {.flops = static_cast<double>(y.count()) * g.window * g.window,
          .bytes = static_cast<double>(element) * static_cast<double>(x.count() + y.count())};
}
}  // namespace detail

template <class Real>
void max_pool2d(context<dry>& ctx, view<const Real, dry> x, pool2d_geometry g, view<Real, dry> y,
                view<std::uint8_t, dry> winners) {
  detail::require_pool2d_shapes("max_pool2d", x.shape(), g, y.shape());
  if (!winners.empty()) require_equal_shapes("max_pool2d", y, winners);
  ctx.note("max_pool2d", {x}, {y}, {{"window", g.window}, {"stride", g.stride}, {"padding", g.padding}});
  ctx.spend(detail::pool2d_cost(x.shape(), g, y.shape(), detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void max_pool2d_backward(context<dry>& ctx, view<const Real, dry> dy, view<const std::uint8_t, dry> winners,
                         pool2d_geometry g, view<Real, dry> dx) {
  detail::require_pool2d_shapes("max_pool2d_backward", dx.shape(), g, dy.shape());
  require_equal_shapes("max_pool2d_backward", dy, winners);
  ctx.spend(detail::pool2d_cost(dx.shape(), g, dy.shape(), detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void average_pool2d(context<dry>& ctx, view<const Real, dry> x, pool2d_geometry g, view<Real, dry> y) {
  detail::require_pool2d_shapes("average_pool2d", x.shape(), g, y.shape());
  ctx.note("average_pool2d", {x}, {y}, {{"window", g.window}, {"stride", g.stride}, {"padding", g.padding}});
  ctx.spend(detail::pool2d_cost(x.shape(), g, y.shape(), detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void average_pool2d_backward(context<dry>& ctx, view<const Real, dry> dy, pool2d_geometry g, view<Real, dry> dx) {
  detail::require_pool2d_shapes("average_pool2d_backward", dx.shape(), g, dy.shape());
  ctx.spend(detail::pool2d_cost(dx.shape(), g, dy.shape(), detail::stored_bytes<Real>(ctx)));
}

}  // namespace aixcell
