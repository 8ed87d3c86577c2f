#pragma once
#include <aixcell/core/bfloat16.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

// Layer normalisation over the channels of each pixel (Ba et al. 2016, as ConvNeXt uses it): with the mean and deviation
// of the C values of a pixel,
//
//   layer_norm           y = weight * (x - mean) / deviation + bias;  statistics[pixel] = (mean, 1 / deviation)
//   layer_norm_backward  dx overwritten; dweight and dbias added to
//
// deviation = sqrt(variance + epsilon), variance with divisor C. x, y, dx [N,H,W,C]; weight, bias and their gradients
// [C]; statistics [N,H,W,2], else shape_error. Gradients of parameters are summed in an order that depends on the shape
// only.

template <class Real, class Device>
struct layer_norm_parameters {
  view<const Real, Device> weight, bias;  ///< [C]
  double epsilon = 1e-6;
};
template <class Real, class Device>
struct layer_norm_gradients {
  view<Real, Device> weight, bias;  ///< [C], added to
};

namespace detail {
inline void require_layer_norm(std::string_view where, const shape& x, const shape& weight, const shape& statistics) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_shape(where, {x[3]}, weight);
  require_shape(where, {x[0], x[1], x[2], 2}, statistics);
}
}  // namespace detail

template <class Real>
void layer_norm(context<dry>& ctx, view<const Real, dry> x, const layer_norm_parameters<master_of<Real>, dry>& p,
                view<Real, dry> y, view<master_of<Real>, dry> statistics) {
  detail::require_layer_norm("layer_norm", x.shape(), p.weight.shape(), statistics.shape());
  require_equal_shapes("layer_norm", x, y);
  const view<const master_of<Real>, dry> weight = p.weight, bias = p.bias;  // named: cudafe++ 13.0 garbles members here
  const double epsilon = p.epsilon;
  ctx.note("layer_norm", {x, weight, bias}, {y, statistics}, {{"epsilon", epsilon}});
  ctx.spend(detail::values_cost(x.shape(), 6, 2, detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void layer_norm_backward(context<dry>& ctx, view<const Real, dry> dy, view<const Real, dry> x,
                         view<const master_of<Real>, dry> statistics,
                         const layer_norm_parameters<master_of<Real>, dry>& p, view<Real, dry> dx,
                         const layer_norm_gradients<master_of<Real>, dry>&) {
  detail::require_layer_norm("layer_norm_backward", x.shape(), p.weight.shape(), statistics.shape());
  require_equal_shapes("layer_norm_backward", x, dy, dx);
  ctx.spend(detail::values_cost(x.shape(), 12, 3, detail::stored_bytes<Real>(ctx)));
}

}  // namespace aixcell
