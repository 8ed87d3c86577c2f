#pragma once
#include <aixcell/core/bfloat16.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

// Operations on the channels of images [N,H,W,C]:
//
//   concatenate_channels  y = [a | b]                  a [N,H,W,A], b [N,H,W,B], y [N,H,W,A+B]
//   split_channels        a = y[.., 0:A], b = y[.., A:A+B]: the adjoint
//   add_bias              y[.., c] += bias[c]
//   add_bias_gradient     dbias[c] += sum over n, h, w of dy[.., c], in float64 and in a fixed order: same bits always
//
// Shapes that do not fit throw shape_error.

namespace detail {
inline void require_concatenation(std::string_view where, const shape& a, const shape& b, const shape& y) {
  require_rank(where, 4, "an image batch [N,H,W,C]", a);
  require_rank(where, 4, "an image batch [N,H,W,C]", b);
  require_shape(where, {a[0], a[1], a[2], b[3]}, b);
  require_shape(where, {a[0], a[1], a[2], a[3] + b[3]}, y);
}
inline void require_bias(std::string_view where, const shape& y, const shape& bias) {
  require_rank(where, 4, "an image batch [N,H,W,C]", y);
  require_shape(where, {y[3]}, bias);
}
}  // namespace detail

template <class Real>
void concatenate_channels(context<dry>& ctx, view<const Real, dry> a, view<const Real, dry> b, view<Real, dry> y) {
  detail::require_concatenation("concatenate_channels", a.shape(), b.shape(), y.shape());
  ctx.note("concatenate_channels", {a, b}, {y});
  ctx.spend(detail::values_cost(y.shape(), 0, 2, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void split_channels(context<dry>& ctx, view<const Real, dry> y, view<Real, dry> a, view<Real, dry> b) {
  detail::require_concatenation("split_channels", a.shape(), b.shape(), y.shape());
  ctx.spend(detail::values_cost(y.shape(), 0, 2, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void add_bias(context<dry>& ctx, view<const master_of<Real>, dry> bias, view<Real, dry> y) {
  detail::require_bias("add_bias", y.shape(), bias.shape());
  ctx.note("add_bias", {bias, y}, {y});
  ctx.spend(detail::values_cost(y.shape(), 1, 2, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void add_bias_gradient(context<dry>& ctx, view<const Real, dry> dy, view<master_of<Real>, dry> dbias) {
  detail::require_bias("add_bias_gradient", dy.shape(), dbias.shape());
  ctx.spend(detail::values_cost(dy.shape(), 1, 1, detail::stored_bytes<Real>(ctx)));
}

}  // namespace aixcell
