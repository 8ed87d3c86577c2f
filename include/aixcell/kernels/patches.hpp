#pragma once
#include <aixcell/core/context.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

// Squares of s x s pixels as the channels of one: [N,H,W,C] to [N,ceil(H/s),ceil(W/s),s*s*C], channel (r * s + q) * C + c
// from pixel (i * s + r, j * s + q), zero outside the image; and the way back, which is the adjoint. A convolution whose
// stride is its size is a 1x1 convolution of patches. Other shapes: shape_error.

/// The shape of patches of edge `size`.
constexpr shape patches_shape(const shape& x, index_t size) {
  return {x[0], (x[1] + size - 1) / size, (x[2] + size - 1) / size, size * size * x[3]};
}

namespace detail {
inline void require_patches(std::string_view where, const shape& x, index_t size, const shape& y) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, patches_shape(x, size), y);
}
}  // namespace detail

template <class Real>
void to_patches(context<dry>& ctx, view<const Real, dry> x, index_t size, view<Real, dry> y) {
  detail::require_patches("to_patches", x.shape(), size, y.shape());
  ctx.note("to_patches", {x}, {y}, {{"size", static_cast<double>(size)}});
  ctx.spend({.flops = 0,
             .bytes = static_cast<double>(detail::stored_bytes<Real>(ctx)) * static_cast<double>(x.size() + y.size())});
}
template <class Real>
void from_patches(context<dry>& ctx, view<const Real, dry> y, index_t size, view<Real, dry> x) {
  detail::require_patches("from_patches", x.shape(), size, y.shape());
  ctx.spend({.flops = 0,
             .bytes = static_cast<double>(detail::stored_bytes<Real>(ctx)) * static_cast<double>(x.size() + y.size())});
}

}  // namespace aixcell
