#pragma once
#include <algorithm>

#include <aixcell/kernels/gpu/detail/dense_product.hpp>
#include <aixcell/kernels/gpu/detail/filter_shares.hpp>
#include <aixcell/kernels/gpu/detail/narrow_channels.hpp>
#include <aixcell/kernels/gpu/detail/tensor_core_tile.hpp>
#include <aixcell/kernels/gpu/detail/tile_output.hpp>
#include <aixcell/kernels/gpu/detail/tiled_product.hpp>
#include <aixcell/kernels/gpu/detail/warpgroup_convolution.hpp>

namespace aixcell::detail {

// Convolution on tensor cores. Several tiles are on their way to shared memory (cp.async) while one is multiplied. For
// groups = 1, and for channels in multiples of 16 bytes where they are the depth of the product: those lie within one tap.

/// y [N,P,Q,K]: rows are pixels, columns filters, depth (r, s, c), which is contiguous in both operands.
template <class Operand, int Columns, class Out, class Residual>
struct tensor_core_kernel : tensor_core_tile<Operand, Columns> {
  using tile = tensor_core_tile<Operand, Columns>;
  using tile::columns, tile::depth, tile::piece, tile::rows, tile::threads;
  static constexpr std::string_view name = tile::is_tf32 ? "conv2d_tf32" : "conv2d_bf16";
  static constexpr int stages = 3;
  struct tiles {
    alignas(16) typename tile::template along<rows> left[stages];
    alignas(16) typename tile::template along<columns> right[stages];
  };
  union shared {
    tiles in;
    summed_tile<float, rows, columns, threads> out;
  };

  dense_product<Operand> of;
  tile_output<Out, Residual> output;

  constexpr void operator()(auto t, shared& s) const {
    const int first_row = t.block().x * rows, first_column = t.block().y * columns;
    const dense_copies<Operand, rows, columns, depth, threads> copies(t, of, first_row, first_column);
    const auto fetch = [&](int step, int stage) {
      copies.fetch(t, of, step, in_rows_of(s.in.left[stage]), in_rows_of(s.in.right[stage]));
    };
    typename tile::accumulators sum = {};
    pipelined<stages>(t, (of.e.reach() + depth - 1) / depth, fetch, [&](int stage) {
      tile::multiply_along(t, sum, depth, in_rows_of(s.in.left[stage]), in_rows_of(s.in.right[stage]));
    });
    output.template store<tile>(t, sum, s.out, first_row, first_column,
                                [&](int i) { return of.first_value_of(first_row + i); });
  }
};

/// Partial dfilter [shares,K,R,S,C]: rows are (r, s, c), columns filters, depth pixels. Neighbours in memory are rows and columns.
template <class Operand, int Columns>
struct tensor_core_filter_kernel : tensor_core_tile<Operand, Columns> {
  using tile = tensor_core_tile<Operand, Columns>;
  using tile::columns, tile::depth, tile::piece, tile::rows, tile::threads;
  static constexpr std::string_view name =
      tile::is_tf32 ? "conv2d_tf32_backward_filter" : "conv2d_bf16_backward_filter";
  static constexpr int stages = 3;
  struct shared {
    alignas(16) typename tile::template across<rows> left[stages];
    alignas(16) typename tile::template across<columns> right[stages];
  };

  conv2d_extents e;
  int share_pixels;
  const Operand *x, *dy;
  float* partial;

  constexpr void operator()(auto t, shared& s) const {
    const int id = t.rank(), first_row = t.block().x * rows, first_column = t.block().y * columns, share = t.block().z;
    const int reach = e.reach(), first_pixel = share * share_pixels;
    const int end_pixel = first_pixel + share_pixels < e.pixels() ? first_pixel + share_pixels : e.pixels();
    constexpr int row_chunks = rows / piece, column_chunks = columns / piece;
    // This thread copies 16 bytes of rows, which lie in one tap, of some pixels, and of columns of others.
    const int row = first_row + id % row_chunks * piece, k = first_column + id % column_chunks * piece;
    const int tap = row / e.inputs, c = row % e.inputs;
    const int down = tap / e.taps_right * e.dilation - e.padding, right = tap % e.taps_right * e.dilation - e.padding;
    const auto fetch = [&](int step, int stage) {
      for (int d = id / row_chunks; d < depth; d += threads / row_chunks) {
        const int pixel = first_pixel + step * depth + d;
        const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
        const int h = p * e.stride + down, w = q * e.stride + right;
        const bool inside = pixel < end_pixel && row < reach && h >= 0 && h < e.x.height && w >= 0 && w < e.x.width;
        t.copy_async16(&s.left[stage][d][id % row_chunks * piece],
                       inside ? x + ((n * e.x.height + h) * e.x.width + w) * e.x.channels + c : x, inside ? 16 : 0);
      }
      for (int d = id / column_chunks; d < depth; d += threads / column_chunks) {
        const int pixel = first_pixel + step * depth + d;
        const bool inside = pixel < end_pixel && k < e.outputs;
        t.copy_async16(&s.right[stage][d][id % column_chunks * piece], inside ? dy + pixel * e.outputs + k : dy,
                       inside ? 16 : 0);
      }
    };
    typename tile::accumulators sum = {};
    pipelined<stages>(t, (end_pixel - first_pixel + depth - 1) / depth, fetch, [&](int stage) {
      tile::multiply_across(t, sum, depth, in_rows_of(s.left[stage]), in_rows_of(s.right[stage]));
    });
    tile::for_each_sum(t, sum, [&](int i, int j, float v) {
      if (first_row + i < reach && first_column + j < e.outputs)
        partial[(share * e.outputs + first_column + j) * reach + first_row + i] = v;
    });
  }
};

/// Taps of one direction that reach the cells with one place within a stride: every stride-th from the first, which reads
/// `ahead` outputs further than its cell. The data gradient of these cells is a convolution of stride 1 with them.
struct phase_taps {
  int first, count, ahead;
  static constexpr phase_taps of(int phase, int taps, int stride, int padding) {
    const int first = (phase + padding) % stride;
    return {first, first < taps ? (taps - 1 - first) / stride + 1 : 0, (phase + padding - first) / stride};
  }
};

/// [K,R,S,C] -> [C,r,s,K], the taps of a phase in reverse.
template <class Operand>
struct turn_filter_kernel {
  static constexpr std::string_view name = "conv2d_backward_data: filter";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int outputs, int taps_down, int taps_right, int inputs, int stride,
                            phase_taps down, phase_taps right, const Operand* filter, Operand* turned) const {
    const int o = global_rank(t);
    if (o >= outputs * down.count * right.count * inputs) return;
    const int k = o % outputs, s = o / outputs % right.count, r = o / outputs / right.count % down.count,
              c = o / outputs / right.count / down.count;
    const int from_r = down.first + (down.count - 1 - r) * stride,
              from_s = right.first + (right.count - 1 - s) * stride;
    turned[o] = filter[((k * taps_down + from_r) * taps_right + from_s) * inputs + c];
  }
};

/// Whether tensor cores take this convolution of operands stored so, forward and to the filter.
template <class Operand>
constexpr bool has_tensor_cores(const shape& filter, conv2d_geometry g) {
  constexpr index_t piece = tensor_core_tile<Operand>::piece;
  return g.groups == 1 && filter[3] % piece == 0 && filter[3] > 0 && filter[0] % piece == 0;
}
/// And to the image.
template <class Operand>
constexpr bool has_tensor_cores_backward_data(const shape& filter, conv2d_geometry g) {
  return has_tensor_cores<Operand>(filter, g) && (g.stride == 1 || g.dilation == 1);
}
/// Pixels are counted in 16 bits an edge.
constexpr bool fits_tensor_cores(const shape& x) { return x[1] < 1 << 14 && x[2] < 1 << 14; }

/// Sums of y too, if anybody wants them.
template <class Operand, class Out, class Residual, GpuDevice Device>
void launch_product(context<Device>& ctx, const dense_product<Operand>& of, tile_output<Out, Residual> output,
                    view<double, Device> sums) {
  const conv2d_extents& e = of.e;
  const shape y{e.y.images, e.y.height, e.y.width, e.y.channels};
  constexpr int rows = tensor_core_tile<Operand>::rows;
  if (y.count() > 0 && of.written.step == 1 && narrow_channels<Operand>::take(e)) {
    const pixel_tiles tiles{e.y};
    counted("conv2d", index_t{tiles.count()} * rows);  // of all tiles, those outside of y too
    return with_tile_sums<rows>(ctx, "conv2d", y, tiles.in_image() * rows, sums, [&](const tile_sums& totals) {
      output.totals = totals;
      with_columns_for(e.outputs, [&](auto columns) {
        using kernel = narrow_kernel<Operand, columns(), Out, Residual>;
        kernel k{};
        k.of = of;
        // Filters are read less often, and blocks still fill a large GPU.
        k.turns = std::clamp(tiles.count() / 1024, 1, 8);
        k.output = output;
        launch(ctx, {(tiles.count() + k.turns - 1) / k.turns, (e.outputs + columns() - 1) / columns(), 1}, k);
      });
    });
  }
  with_tile_sums<rows>(ctx, "conv2d", y, e.y.height * e.y.width, sums, [&](const tile_sums& totals) {
    output.totals = totals;
    if constexpr (std::is_same_v<Operand, bfloat16>)
      if (ctx.multiplies_by() == tensor_core_instruction::wgmma) return launch_warpgroups(ctx, of, output);
    with_columns_for(e.outputs, [&](auto columns) {
      using kernel = tensor_core_kernel<Operand, columns(), Out, Residual>;
      kernel k{};
      k.of = of;
      k.output = output;
      launch(ctx, product_blocks<kernel>(e.pixels(), e.outputs, 1), k);
    });
  });
}

template <class Operand, class Out, class Residual, GpuDevice Device>
void launch_tensor_cores(context<Device>& ctx, const conv2d_extents& e, const epilogue_values<Residual>& epilogue,
                         const Operand* x, const Operand* filter, Out* y, view<double, Device> sums) {
  launch_product(ctx, dense_product<Operand>{e, e.padding, e.padding, {}, x, filter},
                 tile_output<Out, Residual>::of(epilogue, y, e.outputs), sums);
}

/// The data gradient of `of` in stride^2 parts, each dense: nothing is multiplied by a zero that was put between. Dilated
/// (and then of stride 1): one part, whose taps lie apart.
template <class Operand, class Out, GpuDevice Device>
void launch_tensor_cores_to_image(context<Device>& ctx, const conv2d_extents& of, const Operand* dy,
                                  const Operand* filter, Out* dx) {
  tensor<Operand, Device> turned(ctx, {of.outputs * of.taps() * of.inputs});
  for (int phase = 0; phase < of.stride * of.stride; ++phase) {
    const int first_down = phase / of.stride, first_right = phase % of.stride;
    if (first_down >= of.x.height || first_right >= of.x.width) continue;
    const phase_taps down = phase_taps::of(first_down, of.taps_down, of.stride, of.padding),
                     right = phase_taps::of(first_right, of.taps_right, of.stride, of.padding);
    const int count = of.outputs * down.count * right.count * of.inputs;
    launch(ctx, blocks_for(count, 256), turn_filter_kernel<Operand>{}, of.outputs, of.taps_down, of.taps_right,
           of.inputs, of.stride, down, right, filter, turned.data());
    const conv2d_extents part{.x = of.y,
                              .y = {of.x.images, (of.x.height - first_down - 1) / of.stride + 1,
                                    (of.x.width - first_right - 1) / of.stride + 1, of.x.channels},
                              .taps_down = down.count,
                              .taps_right = right.count,
                              .inputs = of.outputs,
                              .outputs = of.inputs,
                              .stride = 1,
                              .padding = 0,
                              .dilation = of.dilation,
                              .groups = 1};
    launch_product(ctx,
                   dense_product<Operand>{part,
                                          (down.count - 1) * of.dilation - down.ahead,
                                          (right.count - 1) * of.dilation - right.ahead,
                                          {of.stride, first_down, first_right, of.x.height, of.x.width},
                                          dy,
                                          turned.data()},
                   tile_output<Out>::of({}, dx, of.inputs), view<double, Device>{});
  }
}

template <class Operand, GpuDevice Device>
void launch_tensor_cores_to_filter(context<Device>& ctx, std::string_view where, const conv2d_extents& e,
                                   const Operand* x, const Operand* dy, view<float, Device> dfilter) {
  // A share of the pixels, or of the tiles of pixels, for each block of [(r, s, c), filters].
  const auto launch_shares = [&]<class Kernel>(Kernel k, int depth, int least, int Kernel::*each) {
    const dim blocks = product_blocks<Kernel>(e.reach(), e.outputs, 1);
    const auto shares = filter_shares::of(static_cast<int>(blocks.count()), depth, least);
    add_filter_shares<float>(ctx, where, shares, dfilter, [&](float* partial) {
      k.e = e;
      k.*each = shares.each;
      k.x = x;
      k.dy = dy;
      k.partial = partial;
      launch(ctx, {blocks.x, blocks.y, shares.count}, k);
    });
  };
  with_columns_for(e.outputs, [&](auto columns) {
    if (narrow_channels<Operand>::take(e)) {
      using kernel = narrow_filter_kernel<Operand, columns()>;
      launch_shares(kernel{}, pixel_tiles{e.y}.count(), 2, &kernel::share_tiles);
    } else {
      using kernel = tensor_core_filter_kernel<Operand, columns()>;
      launch_shares(kernel{}, e.pixels(), 256, &kernel::share_pixels);
    }
  });
}

}  // namespace aixcell::detail
