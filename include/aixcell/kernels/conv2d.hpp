#pragma once
#include <aixcell/core/context.hpp>
#include <aixcell/core/view.hpp>
#include <aixcell/kernels/activation.hpp>

namespace aixcell {

/// How a filter walks over the image: the same in both directions, zeros around the image.
struct conv2d_geometry {
  int stride = 1;
  int padding = 0;
  int dilation = 1;  ///< pixels between neighbouring taps (Yu & Koltun 2016)
  int groups = 1;    ///< output channels of a group see the input channels of theirs only; C groups: depthwise

  /// Pixels that `taps` taps span.
  constexpr index_t reach(index_t taps) const { return (taps - 1) * dilation + 1; }
};

/// What happens to a result before it is stored: y = act(conv(x, scale * filter) + bias + residual).
template <class Real, class Device>
struct conv2d_epilogue {
  view<const Real, Device> bias;      ///< [K] or empty
  view<const Real, Device> scale;     ///< [K] or empty: multiplies filter k, for a normalisation folded into it
  view<const Real, Device> residual;  ///< as y, or empty
  activation act = activation::none;
};

/// [N,H,W,C] under filters [K,R,S,C/groups] gives [N,(H+2p-R')/s+1,(W+2p-S')/s+1,K], R' = (R-1) dilation + 1.
constexpr shape conv2d_output_shape(const shape& x, const shape& filter, conv2d_geometry g) {
  return {x[0], (x[1] + 2 * g.padding - g.reach(filter[1])) / g.stride + 1,
          (x[2] + 2 * g.padding - g.reach(filter[2])) / g.stride + 1, filter[0]};
}

/// Two operations a product; every operand travels once.
constexpr cost conv2d_cost(const shape& x, const shape& filter, const shape& y, std::size_t element) {
  return {.flops = 2.0 * static_cast<double>(y.count()) * static_cast<double>(filter.count() / filter[0]),
          .bytes = static_cast<double>(element) * static_cast<double>(x.count() + filter.count() + y.count())};
}

namespace detail {
/// Throws shape_error unless x [N,H,W,C], filter [K,R,S,C/groups] and y fit each other.
inline void require_conv2d_shapes(std::string_view where, const shape& x, const shape& filter, conv2d_geometry g,
                                  const shape& y) {
  require_rank(where, 4, "an image batch [N,H,W,C]", x);
  require_rank(where, 4, "filters [K,R,S,C/groups]", filter);
  if (x[3] != g.groups * filter[3])
    throw_unequal_shapes(where, {filter[0], filter[1], filter[2], x[3] / g.groups}, filter);
  if (filter[0] % g.groups != 0)
    throw_wrong_rank(where, "as many filters in each of " + std::to_string(g.groups) + " groups", filter);
  if (x[1] + 2 * g.padding < g.reach(filter[1]) || x[2] + 2 * g.padding < g.reach(filter[2]))
    throw_wrong_rank(where, "an image at least as large as the filter " + to_string(filter) + " less its padding", x);
  require_shape(where, conv2d_output_shape(x, filter, g), y);
}
}  // namespace detail

// Convolution as the field means it (cross-correlation), in NHWC, and its two adjoints. Device twins:
//
//   conv2d                 y  = epilogue(x * filter)          x [N,H,W,C], filter [K,R,S,C], y overwritten
//   conv2d_backward_data   dx = adjoint in x, of dy           dx overwritten; also the transposed convolution
//   conv2d_backward_filter dfilter += adjoint in filter       added to, so that several uses of a filter sum up
//
// Views are contiguous and do not overlap, shapes as conv2d_output_shape says (else shape_error). Same bits for any
// number of threads. The dry twins check and count.

template <class Real>
void conv2d(context<dry>& ctx, view<const Real, dry> x, view<const Real, dry> filter, conv2d_geometry g,
            const conv2d_epilogue<Real, dry>&, view<Real, dry> y) {
  detail::require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  ctx.spend(conv2d_cost(x.shape(), filter.shape(), y.shape(), sizeof(Real)));
}

template <class Real>
void conv2d_backward_data(context<dry>& ctx, view<const Real, dry> dy, view<const Real, dry> filter, conv2d_geometry g,
                          view<Real, dry> dx) {
  detail::require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  ctx.spend(conv2d_cost(dx.shape(), filter.shape(), dy.shape(), sizeof(Real)));
}

template <class Real>
void conv2d_backward_filter(context<dry>& ctx, view<const Real, dry> x, view<const Real, dry> dy, conv2d_geometry g,
                            view<Real, dry> dfilter) {
  detail::require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  ctx.spend(conv2d_cost(x.shape(), dfilter.shape(), dy.shape(), sizeof(Real)));
}

}  // namespace aixcell
