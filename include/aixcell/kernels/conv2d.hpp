#pragma once
#include <algorithm>
#include <type_traits>

#include <aixcell/core/tensor.hpp>
#include <aixcell/core/view.hpp>
#include <aixcell/kernels/activation.hpp>
#include <aixcell/kernels/cpu/detail/convolution_workspace.hpp>
#include <aixcell/kernels/cpu/detail/instruction_sets.hpp>

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
[[gnu::noinline]] inline void require_conv2d_shapes(std::string_view where, const shape& x, const shape& filter, conv2d_geometry g,
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

constexpr bool is_depthwise(const shape& filter, conv2d_geometry g) {
  return g.groups > 1 && filter[0] == g.groups && filter[3] == 1;
}

/// Register tiles need dense filters, and phases of stride or of dilation, not of both.
template <class Real>
constexpr bool has_tiles(conv2d_geometry g) {
  return std::is_same_v<Real, float> && (g.stride == 1 || g.dilation == 1);
}

/// Takes from the dry pool, for a moment, what the CPU's twins take for filters [K,R,S,C/groups] in the order in which
/// their loops read them: `outputs` of a dense filter of `taps` taps over `inputs` channels.
inline void take_packed_filter(context<dry>& ctx, index_t outputs, index_t taps, index_t inputs) {
  if (outputs == 0) return;
  const channel_blocks blocks{outputs, best_instruction_set().lanes};
  const tensor<float, dry> packed(ctx, {blocks.padded(), std::max<index_t>(1, taps * inputs)});
  const tensor<float, dry> bias(ctx, {blocks.padded()});
}

/// Channels of the first bundle of groups, the largest.
struct bundle_channels {
  index_t inputs, outputs;
};
constexpr bundle_channels first_bundle(const shape& filter, conv2d_geometry g) {
  const index_t outputs = filter[0] / g.groups, merged = merged_groups(outputs, g.groups);
  return {merged * filter[3], merged * outputs};
}

template <class Real>
void take_forward_workspace(context<dry>& ctx, const shape& filter, conv2d_geometry g) {
  const index_t taps = filter[1] * filter[2];
  if (is_depthwise(filter, g)) {
    const tensor<Real, dry> packed(ctx, {taps, filter[0]});
  } else if (has_tiles<Real>(g)) {
    const bundle_channels channels = first_bundle(filter, g);
    take_packed_filter(ctx, channels.outputs, taps, channels.inputs);
  }
}

template <class Real>
void take_backward_data_workspace(context<dry>& ctx, const shape& filter, conv2d_geometry g) {
  if (is_depthwise(filter, g)) {
    const tensor<Real, dry> packed(ctx, {filter[1] * filter[2], filter[0]});
  } else if (has_tiles<Real>(g)) {
    const bundle_channels channels = first_bundle(filter, g);
    const index_t rows = (filter[1] + g.stride - 1) / g.stride, columns = (filter[2] + g.stride - 1) / g.stride;
    take_packed_filter(ctx, channels.inputs, rows * columns, channels.outputs);
  }
}

template <class Real>
void take_backward_filter_workspace(context<dry>& ctx, const shape& x, const shape& dy, const shape& dfilter,
                                    conv2d_geometry g) {
  const index_t taps = dfilter[1] * dfilter[2];
  if (dfilter.count() == 0 || dy.count() == 0) return;
  if (is_depthwise(dfilter, g)) {
    const tensor<Real, dry> partial(ctx, {depthwise_shares(dy), taps, dfilter[0]});
  } else if (has_tiles<Real>(g)) {
    const bundle_channels channels = first_bundle(dfilter, g);
    const channel_blocks blocks{channels.outputs, best_instruction_set().lanes};
    const filter_gradient_cut cut = cut_filter_gradient(x, dy, channels.inputs, g.stride, blocks);
    tensor<float, dry> dense;
    if (g.groups > 1) dense = tensor<float, dry>(ctx, {channels.outputs, taps, channels.inputs});
    const tensor<float, dry> partial(ctx, {cut.shares, blocks.padded(), taps * channels.inputs});
    tensor<float, dry> whole_block;
    if (const int width = blocks.width(blocks.count() - 1); width > blocks.valid(blocks.count() - 1))
      whole_block = tensor<float, dry>(ctx, {cut.band_rows, dy[2], width});
  }
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
            const conv2d_epilogue<Real, dry>& e, view<Real, dry> y) {
  detail::require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  detail::take_forward_workspace<Real>(ctx, filter.shape(), g);
  ctx.note("conv2d", {x, filter, e.bias, e.scale, e.residual}, {y},
           {{"stride", g.stride},
            {"padding", g.padding},
            {"dilation", g.dilation},
            {"groups", g.groups},
            {"act", static_cast<double>(e.act)}});
  ctx.spend(conv2d_cost(x.shape(), filter.shape(), y.shape(), sizeof(Real)));
}

template <class Real>
void conv2d_backward_data(context<dry>& ctx, view<const Real, dry> dy, view<const Real, dry> filter, conv2d_geometry g,
                          view<Real, dry> dx) {
  detail::require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  detail::take_backward_data_workspace<Real>(ctx, filter.shape(), g);
  ctx.note("conv2d_backward_data", {dy, filter}, {dx},
           {{"stride", g.stride}, {"padding", g.padding}, {"dilation", g.dilation}, {"groups", g.groups}});
  ctx.spend(conv2d_cost(dx.shape(), filter.shape(), dy.shape(), sizeof(Real)));
}

template <class Real>
void conv2d_backward_filter(context<dry>& ctx, view<const Real, dry> x, view<const Real, dry> dy, conv2d_geometry g,
                            view<Real, dry> dfilter) {
  detail::require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  detail::take_backward_filter_workspace<Real>(ctx, x.shape(), dy.shape(), dfilter.shape(), g);
  ctx.spend(conv2d_cost(x.shape(), dfilter.shape(), dy.shape(), sizeof(Real)));
}

}  // namespace aixcell
