#pragma once
#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

// What squeeze-and-excitation (Hu et al. 2018) needs around its two small convolutions:
//
//   spatial_mean            y[n,1,1,c] = mean over the pixels of x[n,:,:,c]
//   spatial_mean_backward   dx += dy / pixels everywhere
//   gate_channels           y = x * gate[n,1,1,c]
//   gate_channels_backward  dx = dy * gate, overwritten; dgate[n,1,1,c] = sum over pixels of dy * x
//
// and what stochastic depth (Huang et al. 2016) needs before the same product:
//
//   draw_image_gates        gate[n,1,1,:] = 0 with probability `drop`, else 1 / (1 - drop); by seed and passes so far
//   count_pass              passes [1] += 1
//
// x and dx [N,H,W,C], gates and means [N,1,1,C], else shape_error. Sums are taken in float64, in an order that depends
// on the shape only.

/// Which images a residual branch skips.
struct image_gate_options {
  float drop = 0;  ///< probability, in [0,1)
  std::uint64_t seed = 0;
};

namespace detail {
/// The gate of image n in a pass: draw n of a stream that the pass names, whoever draws it.
template <class Real>
constexpr Real image_gate(const image_gate_options& o, std::uint64_t pass, index_t n) {
  const bool dropped = random_stream(o.seed).child(pass).uniform_ahead(static_cast<std::uint64_t>(n)) < o.drop;
  return static_cast<Real>(dropped ? master_of<Real>(0) : 1 / (1 - static_cast<master_of<Real>>(o.drop)));
}

inline void require_gate(std::string_view where, const shape& x, const shape& gate) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, {x[0], 1, 1, x[3]}, gate);
}
}  // namespace detail

template <class Real>
void spatial_mean(context<dry>& ctx, view<const Real, dry> x, view<Real, dry> y) {
  detail::require_gate("spatial_mean", x.shape(), y.shape());
  ctx.note("spatial_mean", {x}, {y});
  ctx.spend(detail::values_cost(x.shape(), 1, 1, detail::stored_bytes<Real>(ctx)));
}
template <class Real>
void spatial_mean_backward(context<dry>& ctx, view<const Real, dry> dy, view<Real, dry> dx) {
  detail::require_gate("spatial_mean_backward", dx.shape(), dy.shape());
  ctx.spend(detail::values_cost(dx.shape(), 1, 2, detail::stored_bytes<Real>(ctx)));
}
template <class Real>
void gate_channels(context<dry>& ctx, view<const Real, dry> x, view<const Real, dry> gate, view<Real, dry> y) {
  detail::require_gate("gate_channels", x.shape(), gate.shape());
  require_equal_shapes("gate_channels", x, y);
  ctx.note("gate_channels", {x, gate}, {y});
  ctx.spend(detail::values_cost(x.shape(), 1, 2, detail::stored_bytes<Real>(ctx)));
}
template <class Real>
void gate_channels_backward(context<dry>& ctx, view<const Real, dry> dy, view<const Real, dry> x,
                            view<const Real, dry> gate, view<Real, dry> dx, view<Real, dry> dgate) {
  detail::require_gate("gate_channels_backward", x.shape(), gate.shape());
  require_equal_shapes("gate_channels_backward", x, dy, dx);
  require_equal_shapes("gate_channels_backward", gate, dgate);
  ctx.spend(detail::values_cost(x.shape(), 3, 3, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void draw_image_gates(context<dry>& ctx, view<const master_of<Real>, dry> passes, const image_gate_options&,
                      view<Real, dry> gate) {
  require_shape("draw_image_gates", {1}, passes.shape());
  detail::require_gate("draw_image_gates", gate.shape(), gate.shape());
  ctx.spend(detail::values_cost(gate.shape(), 0, 1, detail::stored_bytes<Real>(ctx)));
}
template <class Real>
void count_pass(context<dry>&, view<Real, dry> passes) {
  require_shape("count_pass", {1}, passes.shape());
}

}  // namespace aixcell
