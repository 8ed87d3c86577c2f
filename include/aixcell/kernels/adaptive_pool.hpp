#pragma once
#include <aixcell/core/context.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

// Means over a grid of cells whatever the size of the image, and the adjoint: [N,H,W,C] to [N,h,w,C], cell i of h covers
// rows floor(i H / h) .. ceil((i + 1) H / h) - 1, so that cells overlap where H is no multiple of h (as others'
// adaptive average pooling). dx is overwritten. Other shapes: shape_error.

namespace detail {
inline void require_adaptive(std::string_view where, const shape& x, const shape& y) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, {x[0], y[1], y[2], x[3]}, y);
}
constexpr cost adaptive_cost(const shape& x, const shape& y, std::size_t element) {
  return {.flops = static_cast<double>(x.count()),
          .bytes = static_cast<double>(element) * static_cast<double>(x.count() + y.count())};
}
}  // namespace detail

template <class Real>
void adaptive_average(context<dry>& ctx, view<const Real, dry> x, view<Real, dry> y) {
  detail::require_adaptive("adaptive_average", x.shape(), y.shape());
  ctx.note("adaptive_average", {x}, {y});
  ctx.spend(detail::adaptive_cost(x.shape(), y.shape(), detail::stored_bytes<Real>(ctx)));
}
template <class Real>
void adaptive_average_backward(context<dry>& ctx, view<const Real, dry> dy, view<Real, dry> dx) {
  detail::require_adaptive("adaptive_average_backward", dx.shape(), dy.shape());
  ctx.spend(detail::adaptive_cost(dx.shape(), dy.shape(), detail::stored_bytes<Real>(ctx)));
}

}  // namespace aixcell
