#pragma once
#include <algorithm>

#include <aixcell/core/context.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

// The upper left part of images, and its adjoint: [N,H,W,C] to [N,h,w,C] with h <= H, w <= W, else shape_error.
//
//   crop           y = part of x
//   crop_backward  dx = dy in that part, zero elsewhere

namespace detail {
inline void require_crop(std::string_view where, const shape& x, const shape& y) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, {x[0], std::min(x[1], y[1]), std::min(x[2], y[2]), x[3]}, y);
}
}  // namespace detail

template <class Real>
void crop(context<dry>& ctx, view<const Real, dry> x, view<Real, dry> y) {
  detail::require_crop("crop", x.shape(), y.shape());
  ctx.note("crop", {x}, {y});
  ctx.spend({.flops = 0, .bytes = 2.0 * static_cast<double>(detail::stored_bytes<Real>(ctx)) * static_cast<double>(y.size())});
}
template <class Real>
void crop_backward(context<dry>& ctx, view<const Real, dry> dy, view<Real, dry> dx) {
  detail::require_crop("crop_backward", dx.shape(), dy.shape());
  ctx.spend({.flops = 0,
             .bytes = static_cast<double>(detail::stored_bytes<Real>(ctx)) * static_cast<double>(dy.size() + dx.size())});
}

}  // namespace aixcell
