#pragma once
#include <algorithm>
#include <type_traits>

#include <aixcell/core/bfloat16.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/core/view.hpp>
#include <aixcell/kernels/activation.hpp>
#include <aixcell/kernels/cpu/detail/convolution_workspace.hpp>
#include <aixcell/kernels/cpu/detail/processor.hpp>
#include <aixcell/kernels/normalisation.hpp>

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
  view<const master_of<Real>, Device> bias;   ///< [K] or empty
  view<const master_of<Real>, Device> scale;  ///< [K] or empty: multiplies filter k, for a normalisation folded into it
  view<const Real, Device> residual;          ///< as y, or empty
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
  return !std::is_same_v<Real, double> && (g.stride == 1 || g.dilation == 1);
}

/// bfloat16 on the matrix unit: dense filters, and phases of stride or of dilation, not of both. The rest goes through
/// float32.
inline bool has_matrix_loops(conv2d_geometry g) {
  return processor().matrix_unit && g.groups == 1 && (g.stride == 1 || g.dilation == 1);
}

/// Takes from the dry pool, for a moment, what one thread of the matrix unit takes for a correlation that gives
/// `outputs` channels at [images,height,width].
inline void take_matrix_run(context<dry>& ctx, const shape& y, index_t outputs, index_t channels, index_t tap_rows,
                            index_t tap_columns, index_t stride) {
  if (outputs == 0 || y.count() == 0) return;
  const channel_blocks blocks{outputs, matrix_lanes};
  const matrix_cut cut = cut_matrix_run(y[0], y[1], y[2], channels, tap_rows, tap_columns, stride, blocks);
  const index_t depth = tap_rows * matrix_chunks(tap_columns * channels) * matrix_depth;
  const tensor<bfloat16, dry> packed(ctx, {blocks.padded(), std::max<index_t>(depth, 1)});
  const tensor<float, dry> scale_and_bias(ctx, {2, blocks.padded()});
  const tensor<bfloat16, dry> copies(ctx, {cut.chunk, cut.copied});
}

/// The same for register tiles in float32, for a correlation of a dense filter of `outputs` filters over `inputs` channels.
inline void take_tiles(context<dry>& ctx, const shape& y, index_t outputs, index_t inputs, index_t tap_rows,
                       index_t tap_columns, conv2d_geometry g) {
  if (outputs == 0) return;
  const channel_blocks blocks{outputs, processor().lanes()};
  const winograd_cut cut = cut_winograd(y[0], y[1], y[2], inputs, blocks);
  const bool by_winograd =
      g.dilation == 1 && cut.worth_it() &&
      winograd_fits_filter(outputs, inputs, tap_rows, tap_columns, g.stride, blocks.lanes);
  const index_t rows = by_winograd ? winograd_points : tap_rows * tap_columns;
  const tensor<float, dry> packed(ctx, {blocks.padded(), std::max<index_t>(1, rows * inputs)});
  const tensor<float, dry> bias(ctx, {blocks.padded()});
  if (!by_winograd) return;
  const tensor<float, dry> values(ctx, {winograd_points, cut.step});
  const tensor<float, dry> products(ctx, {winograd_points, cut.products_step});
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
void take_forward_workspace(context<dry>& ctx, const shape& x, const shape& filter, conv2d_geometry g, const shape& y) {
  const index_t taps = filter[1] * filter[2], d = g.dilation;
  if (stores_bfloat16<Real>(ctx)) {
    if (has_matrix_loops(g))
      return take_matrix_run(ctx, {y[0], (y[1] + d - 1) / d, (y[2] + d - 1) / d}, y[3], x[3], filter[1], filter[2],
                             g.stride);
    const tensor<float, dry> wide_x(ctx, x), wide_y(ctx, y);
    return take_forward_workspace<float>(ctx, x, filter, g, y);
  }
  if (is_depthwise(filter, g)) {
    const tensor<Real, dry> packed(ctx, {taps, filter[0]});
  } else if (has_tiles<Real>(g)) {
    const bundle_channels channels = first_bundle(filter, g);
    take_tiles(ctx, y, channels.outputs, channels.inputs, filter[1], filter[2], g);
  }
}

template <class Real>
void take_backward_data_workspace(context<dry>& ctx, const shape& dx, const shape& filter, conv2d_geometry g,
                                  const shape& dy) {
  const index_t rows = (filter[1] + g.stride - 1) / g.stride, columns = (filter[2] + g.stride - 1) / g.stride;
  const index_t step = std::max(g.stride, g.dilation);
  if (stores_bfloat16<Real>(ctx)) {
    if (has_matrix_loops(g))
      return take_matrix_run(ctx, {dx[0], (dx[1] + step - 1) / step, (dx[2] + step - 1) / step}, dx[3], dy[3], rows,
                             columns, 1);
    const tensor<float, dry> wide_dy(ctx, dy), wide_dx(ctx, dx);
    return take_backward_data_workspace<float>(ctx, dx, filter, g, dy);
  }
  if (is_depthwise(filter, g)) {
    const tensor<Real, dry> packed(ctx, {filter[1] * filter[2], filter[0]});
  } else if (has_tiles<Real>(g)) {
    const bundle_channels channels = first_bundle(filter, g);
    take_tiles(ctx, dx, channels.inputs, channels.outputs, rows, columns, g);
  }
}

template <class Real>
void take_backward_filter_workspace(context<dry>& ctx, const shape& x, const shape& dy, const shape& dfilter,
                                    conv2d_geometry g) {
  const index_t taps = dfilter[1] * dfilter[2];
  if (dfilter.count() == 0 || dy.count() == 0) return;
  if (stores_bfloat16<Real>(ctx)) {
    if (has_matrix_loops(g)) {
      const matrix_gradient_cut cut = cut_matrix_gradient(x, dy, dfilter, g.stride, g.dilation);
      const index_t x_tiles = matrix_tiles(x[3]), dy_tiles = matrix_tiles(dy[3]);
      const tensor<float, dry> partial(ctx, {cut.shares, taps, x_tiles, dy_tiles * matrix_lanes * matrix_lanes});
      const tensor<bfloat16, dry> rows(ctx, {cut.chunk, x_tiles * matrix_lanes, cut.x_step});
      const tensor<bfloat16, dry> pairs(ctx, {cut.chunk, dy_tiles, cut.dy_step});
      const tensor<bfloat16, dry> copy(ctx, {cut.copied});
      return;
    }
    const tensor<float, dry> wide_x(ctx, x), wide_dy(ctx, dy);
    return take_backward_filter_workspace<float>(ctx, x, dy, dfilter, g);
  }
  if (is_depthwise(dfilter, g)) {
    const tensor<Real, dry> partial(ctx, {depthwise_shares(dy), taps, dfilter[0]});
  } else if (has_tiles<Real>(g)) {
    const bundle_channels channels = first_bundle(dfilter, g);
    const channel_blocks blocks{channels.outputs, processor().lanes()};
    if (const winograd_gradient_cut tiles = cut_winograd_gradient(dy, dfilter[3], blocks);
        g.groups == 1 && g.dilation == 1 && tiles.tiles.worth_it() &&
        winograd_fits_filter(dfilter[0], dfilter[3], dfilter[1], dfilter[2], g.stride, blocks.lanes)) {
      const tensor<float, dry> sums(ctx, {tiles.shares, blocks.padded(), winograd_points * dfilter[3]});
      const tensor<float, dry> x_values(ctx, {winograd_points, tiles.x_step});
      const tensor<float, dry> dy_values(ctx, {winograd_points, tiles.dy_step});
      return;
    }
    const filter_gradient_cut cut =
        cut_filter_gradient(x, dy, channels.inputs, dfilter[1], dfilter[2], g.stride, g.dilation, blocks);
    tensor<float, dry> dense;
    if (g.groups > 1) dense = tensor<float, dry>(ctx, {channels.outputs, taps, channels.inputs});
    const tensor<float, dry> partial(ctx, {cut.shares, blocks.padded(), taps * channels.inputs});
    tensor<float, dry> whole_block;
    if (const int width = blocks.width(blocks.count() - 1); width > blocks.valid(blocks.count() - 1))
      whole_block = tensor<float, dry>(ctx, {cut.band_rows, dy[2], width});
    if (cut.by_rows_of_taps)
      const tensor<float, dry> copied(ctx, {cut.copied_rows, cut.copied_columns, channels.inputs});
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
void conv2d(context<dry>& ctx, view<const Real, dry> x, view<const master_of<Real>, dry> filter, conv2d_geometry g,
            const conv2d_epilogue<Real, dry>& e, view<Real, dry> y, view<double, dry> sums = {}) {
  detail::require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  detail::take_forward_workspace<Real>(ctx, x.shape(), filter.shape(), g, y.shape());
  // Named first: cudafe++ 13.0 garbles braced lists of members of a template.
  const auto bias = e.bias, scale = e.scale;
  const auto residual = e.residual;
  const auto act = static_cast<double>(e.act);
  ctx.note("conv2d", {x, filter, bias, scale, residual}, {y},
           {{"stride", g.stride},
            {"padding", g.padding},
            {"dilation", g.dilation},
            {"groups", g.groups},
            {"act", act}});
  ctx.spend(conv2d_cost(x.shape(), filter.shape(), y.shape(), detail::stored_bytes<Real>(ctx)));
  if (!sums.empty()) channel_sums<Real>(ctx, y, sums);
}

template <class Real>
void conv2d_backward_data(context<dry>& ctx, view<const Real, dry> dy, view<const master_of<Real>, dry> filter, conv2d_geometry g,
                          view<Real, dry> dx) {
  detail::require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  detail::take_backward_data_workspace<Real>(ctx, dx.shape(), filter.shape(), g, dy.shape());
  ctx.note("conv2d_backward_data", {dy, filter}, {dx},
           {{"stride", g.stride}, {"padding", g.padding}, {"dilation", g.dilation}, {"groups", g.groups}});
  ctx.spend(conv2d_cost(dx.shape(), filter.shape(), dy.shape(), detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void conv2d_backward_filter(context<dry>& ctx, view<const Real, dry> x, view<const Real, dry> dy, conv2d_geometry g,
                            view<master_of<Real>, dry> dfilter) {
  detail::require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  detail::take_backward_filter_workspace<Real>(ctx, x.shape(), dy.shape(), dfilter.shape(), g);
  ctx.spend(conv2d_cost(x.shape(), dfilter.shape(), dy.shape(), detail::stored_bytes<Real>(ctx)));
}

}  // namespace aixcell
