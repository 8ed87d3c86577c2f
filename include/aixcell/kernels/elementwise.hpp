#pragma once
#include <aixcell/core/dry_value.hpp>
#include <aixcell/core/view.hpp>
#include <aixcell/kernels/activation.hpp>

namespace aixcell {

// Value by value, on views of one shape (else shape_error):
//
//   accumulate           y += x
//   apply_activation     y = act(x)                  y may be x
//   activation_backward  dx = dy * act'(x)           dx may be dy
//   convert              y = x, of another type

namespace detail {
constexpr cost values_cost(const shape& x, double flops_each, double operands, std::size_t element) {
  const auto count = static_cast<double>(x.count());
  return {.flops = flops_each * count, .bytes = operands * static_cast<double>(element) * count};
}
}  // namespace detail

template <class Real>
void accumulate(context<dry>& ctx, view<const Real, dry> x, view<Real, dry> y) {
  require_equal_shapes("accumulate", x, y);
  ctx.note("accumulate", {x, y}, {y});
  ctx.spend(detail::values_cost(x.shape(), 1, 3, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void apply_activation(context<dry>& ctx, view<const Real, dry> x, activation act, view<Real, dry> y) {
  require_equal_shapes("apply_activation", x, y);
  ctx.note("apply_activation", {x}, {y}, {{"act", static_cast<double>(act)}});
  ctx.spend(detail::values_cost(x.shape(), 1, 2, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void activation_backward(context<dry>& ctx, view<const Real, dry> dy, view<const Real, dry> x, activation,
                         view<Real, dry> dx) {
  require_equal_shapes("activation_backward", dy, x, dx);
  ctx.spend(detail::values_cost(x.shape(), 2, 3, detail::stored_bytes<Real>(ctx)));
}

template <class To, class From>
void convert(context<dry>& ctx, view<const From, dry> x, view<To, dry> y) {
  require_equal_shapes("convert", x, y);
  ctx.note("convert", {x}, {y});
  ctx.spend(detail::values_cost(x.shape(), 0, 1, detail::stored_bytes<From>(ctx) + detail::stored_bytes<To>(ctx)));
}

}  // namespace aixcell
