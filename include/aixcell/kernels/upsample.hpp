#pragma once
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

/// How a value between pixels is found. bilinear: pixel centres lie at i + 0.5, the border is continued (what others
/// call align_corners = false).
enum class interpolation { nearest, bilinear };

// Resizing of images [N,H,W,C] to any other size [N,H',W',C], and its adjoint as a gather: every output is written
// once, by one thread, in a fixed order. Sizes are at least 1; other extents equal, else shape_error.
//
//   upsample           y = x, resized
//   upsample_backward  dx = adjoint of dy, overwritten

namespace detail {

/// An output row (column) is (1 - weight) * row `low` + weight * row `high` of the input.
struct resize_tap {
  index_t low, high;
  double weight;
};
constexpr resize_tap resize_tap_of(index_t i, index_t from, index_t to, interpolation mode) {
  if (mode == interpolation::nearest) return {i * from / to, i * from / to, 0.0};
  const double centre = (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
  const double last = static_cast<double>(from - 1), inside = centre < 0 ? 0 : centre > last ? last : centre;
  const auto low = static_cast<index_t>(inside);
  return {low, low + 1 < from ? low + 1 : low, inside - static_cast<double>(low)};
}

inline void require_resizable(std::string_view where, const shape& x, const shape& y) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_rank(where, 4, "an image batch [N,H,W,C]", y);
  require_shape(where, {x[0], y[1], y[2], x[3]}, y);
  if (x[1] * x[2] < 1) throw_wrong_rank(where, "an image of at least one pixel", x);
}
constexpr cost upsample_cost(const shape& x, interpolation mode, const shape& y, std::size_t element) {
  return {.flops = mode == interpolation::nearest ? 0.0 : 7.0 * static_cast<double>(y.count()),
          .bytes = static_cast<double>(element) * static_cast<double>(x.count() + y.count())};
}
}  // namespace detail

template <class Real>
void upsample(context<dry>& ctx, view<const Real, dry> x, interpolation mode, view<Real, dry> y) {
  detail::require_resizable("upsample", x.shape(), y.shape());
  ctx.note("upsample", {x}, {y}, {{"bilinear", mode == interpolation::bilinear}});
  ctx.spend(detail::upsample_cost(x.shape(), mode, y.shape(), detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void upsample_backward(context<dry>& ctx, view<const Real, dry> dy, interpolation mode, view<Real, dry> dx) {
  detail::require_resizable("upsample_backward", dx.shape(), dy.shape());
  ctx.spend(detail::upsample_cost(dx.shape(), mode, dy.shape(), detail::stored_bytes<Real>(ctx)));
}

}  // namespace aixcell
