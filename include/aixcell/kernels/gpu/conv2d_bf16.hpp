#pragma once
#include <aixcell/kernels/gpu/conv2d.hpp>

namespace aixcell {

// Convolution on tensor cores: bfloat16 operands, float32 sums (mma.sync, sm_80 and later). Several tiles are on their way to
// shared memory (cp.async) while one is multiplied; ldmatrix deals the fragments. For groups = 1, and for channels in
// multiples of 8 where they are the depth of the product: 16 bytes then lie within one tap.

namespace detail {

/// The pipeline that the directions share: tiles of `depth` in `stages` buffers; 4 warps, 2 x 2, each a piece of the
/// [rows, columns] of the block. Rows of a tile are skewed by 16 bytes, so that the 8 rows of a matrix that ldmatrix reads
/// lie in different banks.
struct tensor_core_tile {
  static constexpr int threads = 128, rows = 128, columns = 64, depth = 32, stages = 3, skew = 8;
  static constexpr int row_pieces = rows / 2 / 16, column_pieces = columns / 2 / 8;  // of a warp: 4 x 4 of 16 x 8

  /// sum[i][j] += the product of a stage; `load_left(t, fragment, i, k)` and `load_right(t, fragment, j, k)` deal 16 x 16 of
  /// the left operand and 16 x 16 of the right (two pieces of 8 columns).
  static constexpr void multiply(auto t, float (&sum)[row_pieces][column_pieces][4], auto&& load_left,
                                 auto&& load_right) {
    for (int k = 0; k < depth; k += 16) {
      std::uint32_t left[row_pieces][4] = {};
      for (int i = 0; i < row_pieces; ++i) load_left(left[i], i, k);
      for (int j = 0; j < column_pieces; j += 2) {
        std::uint32_t right[4] = {};
        load_right(right, j, k);
        const std::uint32_t even[2] = {right[0], right[1]}, odd[2] = {right[2], right[3]};
        for (int i = 0; i < row_pieces; ++i) {
          t.mma_16x8x16(sum[i][j], left[i], even);
          t.mma_16x8x16(sum[i][j + 1], left[i], odd);
        }
      }
    }
  }

  /// Calls f(row, column, value) for the sums of this thread, within the block.
  static constexpr void for_each_sum(auto t, const float (&sum)[row_pieces][column_pieces][4], auto&& f) {
    const int l = lane_of(t), first_row = warp_of(t) / 2 * (rows / 2) + l / 4,
              first_column = warp_of(t) % 2 * (columns / 2) + l % 4 * 2;
    for (int i = 0; i < row_pieces; ++i)
      for (int j = 0; j < column_pieces; ++j)
        for (int e = 0; e < 4; ++e) f(first_row + 16 * i + 8 * (e / 2), first_column + 8 * j + e % 2, sum[i][j][e]);
  }

  /// Fetches ahead by stages - 1 steps: fetch(step, stage) starts copies, use(stage) multiplies.
  static constexpr void pipeline(auto t, int steps, auto&& fetch, auto&& use) {
    for (int s = 0; s < stages - 1; ++s) {
      if (s < steps) fetch(s, s);
      t.commit();
    }
    for (int step = 0; step < steps; ++step) {
      t.template wait<stages - 2>();
      t.sync();  // everybody's copies of this stage are here, and everybody is done with the stage that is fetched next
      if (step + stages - 1 < steps) fetch(step + stages - 1, (step + stages - 1) % stages);
      t.commit();
      use(step % stages);
    }
    t.template wait<0>();
  }
};

/// Which pixels of an image a product writes: those at down + i * step, right + j * step of [height,width]. `step` 1: all.
struct written_pixels {
  int step = 1, down = 0, right = 0, height = 0, width = 0;
};

/// y [N,P,Q,K]: rows are pixels, columns filters, depth (r, s, c), which is contiguous in both operands. What is added at the
/// end may be stored as another type than the result.
template <class Out, class Residual>
struct conv2d_bf16_kernel : tensor_core_tile {
  static constexpr std::string_view name = "conv2d_bf16";
  struct tiles {
    alignas(16) bfloat16 left[stages][rows][depth + skew];
    alignas(16) bfloat16 right[stages][columns][depth + skew];
  };
  union shared {
    tiles in;
    summed_tile<float, rows, columns, threads>
        out;  // on their way out: one loop over them, not one epilogue a register
  };

  conv2d_extents e;
  int top, left;  // rows and columns of zeros before the image; below 0: of the image that no tap reaches
  written_pixels written;
  epilogue_values<Residual> epilogue;
  const bfloat16 *x, *filter;
  Out* y;
  tile_sums totals;

  constexpr int first_value_of(int pixel) const {
    if (written.step == 1) return pixel * e.outputs;
    const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
    return ((n * written.height + written.down + p * written.step) * written.width + written.right + q * written.step) *
           e.outputs;
  }

  constexpr void operator()(auto t, shared& s) const {
    const int id = t.rank(), first_row = t.block().x * rows, first_column = t.block().y * columns;
    const int pixels = e.pixels(), reach = e.reach();
    // This thread copies 8 values of depth of every 32nd row.
    constexpr int chunks = depth / 8, row_step = threads / chunks;
    const int chunk = id % chunks * 8, row = id / chunks;
    int image[rows / row_step] = {},
                     corner[rows / row_step] = {};  // first value of the image; cell of tap (0,0), 16 bits an edge
    for (int i = 0; i < rows / row_step; ++i) {
      const int pixel = first_row + row + i * row_step;
      const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
      image[i] = pixel < pixels ? n * e.x.height * e.x.width * e.x.channels : -1;
      corner[i] = (p * e.stride - top) * 65536 + (q * e.stride - left + 32768);
    }
    const auto fetch = [&](int step, int stage) {
      const int k = step * depth + chunk, tap = k / e.inputs, c = k % e.inputs;
      const int down = tap / e.taps_right * e.dilation, right = tap % e.taps_right * e.dilation;
      for (int i = 0; i < rows / row_step; ++i) {
        const int h = (corner[i] >> 16) + down, w = (corner[i] & 65535) - 32768 + right;
        const bool inside = k < reach && image[i] >= 0 && h >= 0 && h < e.x.height && w >= 0 && w < e.x.width;
        t.copy_async16(&s.in.left[stage][row + i * row_step][chunk],
                       inside ? x + image[i] + (h * e.x.width + w) * e.x.channels + c : x, inside ? 16 : 0);
      }
      for (int i = 0; i < columns / row_step; ++i) {
        const int filter_index = first_column + row + i * row_step;
        const bool inside = k < reach && filter_index < e.outputs;
        t.copy_async16(&s.in.right[stage][row + i * row_step][chunk],
                       inside ? filter + filter_index * reach + k : filter, inside ? 16 : 0);
      }
    };
    float sum[row_pieces][column_pieces][4] = {};
    const int l = lane_of(t), warp_row = warp_of(t) / 2 * (rows / 2), warp_column = warp_of(t) % 2 * (columns / 2);
    pipeline(t, (reach + depth - 1) / depth, fetch, [&](int stage) {
      multiply(
          t, sum,
          [&](std::uint32_t(&to)[4], int i, int k) {
            t.template load_matrix_x4<false>(to, &s.in.left[stage][warp_row + 16 * i + l % 16][k + l / 16 * 8]);
          },
          [&](std::uint32_t(&to)[4], int j, int k) {
            t.template load_matrix_x4<false>(
                to, &s.in.right[stage][warp_column + 8 * j + l / 16 * 8 + l % 8][k + l / 8 % 2 * 8]);
          });
    });
    t.sync();  // the tiles are read
    for_each_sum(t, sum, [&](int i, int j, float v) { s.out.values[i][j] = v; });
    t.sync();
    for (int i = id; i < rows * columns; i += threads) {
      const int pixel = first_row + i / columns, channel = first_column + i % columns;
      if (pixel >= pixels || channel >= e.outputs) continue;
      const int at = first_value_of(pixel) + channel;
      float& value = s.out.values[i / columns][i % columns];
      const auto stored = static_cast<Out>(epilogue(value, channel, at));
      y[at] = stored;
      if (totals.partial) value = static_cast<float>(stored);
    }
    if (!totals.partial) return;
    t.sync();
    totals.add(t, s.out, first_row, first_column, e.outputs, [](int) { return true; });
  }
};

/// Partial dfilter [shares,K,R,S,C]: rows are filters, columns (r, s, c), depth pixels. Neighbours in memory are rows and
/// columns, so tiles lie [depth, rows] and [depth, columns], and ldmatrix transposes.
struct conv2d_bf16_filter_kernel : tensor_core_tile {
  static constexpr std::string_view name = "conv2d_bf16_backward_filter";
  struct shared {
    alignas(16) bfloat16 left[stages][depth][rows + skew];
    alignas(16) bfloat16 right[stages][depth][columns + skew];
  };

  conv2d_extents e;
  int share_pixels;
  const bfloat16 *x, *dy;
  float* partial;

  constexpr void operator()(auto t, shared& s) const {
    const int id = t.rank(), first_row = t.block().x * rows, first_column = t.block().y * columns, share = t.block().z;
    const int reach = e.reach(), first_pixel = share * share_pixels;
    const int end_pixel = first_pixel + share_pixels < e.pixels() ? first_pixel + share_pixels : e.pixels();
    constexpr int row_chunks = rows / 8, column_chunks = columns / 8;
    // This thread copies 8 rows of every 8th pixel, and 8 columns, which lie in one tap, of every 16th.
    const int k = first_row + id % row_chunks * 8, column = first_column + id % column_chunks * 8;
    const int tap = column / e.inputs, c = column % e.inputs;
    const int down = tap / e.taps_right * e.dilation - e.padding, right = tap % e.taps_right * e.dilation - e.padding;
    const auto fetch = [&](int step, int stage) {
      for (int d = id / row_chunks; d < depth; d += threads / row_chunks) {
        const int pixel = first_pixel + step * depth + d;
        const bool inside = pixel < end_pixel && k < e.outputs;
        t.copy_async16(&s.left[stage][d][id % row_chunks * 8], inside ? dy + pixel * e.outputs + k : dy,
                       inside ? 16 : 0);
      }
      for (int d = id / column_chunks; d < depth; d += threads / column_chunks) {
        const int pixel = first_pixel + step * depth + d;
        const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
        const int h = p * e.stride + down, w = q * e.stride + right;
        const bool inside = pixel < end_pixel && column < reach && h >= 0 && h < e.x.height && w >= 0 && w < e.x.width;
        t.copy_async16(&s.right[stage][d][id % column_chunks * 8],
                       inside ? x + ((n * e.x.height + h) * e.x.width + w) * e.x.channels + c : x, inside ? 16 : 0);
      }
    };
    float sum[row_pieces][column_pieces][4] = {};
    const int l = lane_of(t), warp_row = warp_of(t) / 2 * (rows / 2), warp_column = warp_of(t) % 2 * (columns / 2);
    pipeline(t, (end_pixel - first_pixel + depth - 1) / depth, fetch, [&](int stage) {
      multiply(
          t, sum,
          [&](std::uint32_t(&to)[4], int i, int d) {
            t.template load_matrix_x4<true>(to,
                                            &s.left[stage][d + l / 16 * 8 + l % 8][warp_row + 16 * i + l / 8 % 2 * 8]);
          },
          [&](std::uint32_t(&to)[4], int j, int d) {
            t.template load_matrix_x4<true>(to, &s.right[stage][d + l % 16][warp_column + 8 * j + l / 16 * 8]);
          });
    });
    for_each_sum(t, sum, [&](int i, int j, float v) {
      if (first_row + i < e.outputs && first_column + j < reach)
        partial[(share * e.outputs + first_row + i) * reach + first_column + j] = v;
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
struct turn_filter_kernel {
  static constexpr std::string_view name = "conv2d_bf16_backward_data: filter";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int outputs, int taps_down, int taps_right, int inputs, int stride,
                            phase_taps down, phase_taps right, const bfloat16* filter, bfloat16* turned) const {
    const int o = global_rank(t);
    if (o >= outputs * down.count * right.count * inputs) return;
    const int k = o % outputs, s = o / outputs % right.count, r = o / outputs / right.count % down.count,
              c = o / outputs / right.count / down.count;
    const int from_r = down.first + (down.count - 1 - r) * stride, from_s = right.first + (right.count - 1 - s) * stride;
    turned[o] = filter[((k * taps_down + from_r) * taps_right + from_s) * inputs + c];
  }
};

[[noreturn]] inline void throw_no_tensor_cores(std::string_view where, std::string_view need, const shape& x,
                                               const shape& filter) {
  throw shape_error(std::string(where) + ": tensor cores need " + std::string(need) + ", found " + to_string(x) +
                    " and filters " + to_string(filter) + "; conv2d in float32 takes any");
}

template <class Out, class Residual, GpuDevice Device>
void launch_conv2d_bf16(context<Device>& ctx, const conv2d_extents& e, const epilogue_values<Residual>& epilogue,
                        const bfloat16* x, const bfloat16* filter, Out* y, view<double, Device> sums) {
  using kernel = conv2d_bf16_kernel<Out, Residual>;
  kernel k{};
  k.e = e;
  k.top = k.left = e.padding;
  k.epilogue = epilogue;
  k.x = x;
  k.filter = filter;
  k.y = y;
  const shape extents{e.y.images, e.y.height, e.y.width, e.y.channels};
  with_tile_sums<kernel::rows>(ctx, "conv2d", extents, e.y.height * e.y.width, sums, [&](const tile_sums& totals) {
    k.totals = totals;
    launch(ctx, product_blocks<kernel>(e.pixels(), e.outputs, 1), k);
  });
}

/// The data gradient of `of` in stride^2 parts, each dense: nothing is multiplied by a zero that was put between.
template <class Out, GpuDevice Device>
void launch_strided_data(context<Device>& ctx, const conv2d_extents& of, const bfloat16* dy, const bfloat16* filter,
                         Out* dx) {
  using kernel = conv2d_bf16_kernel<Out, float>;
  tensor<bfloat16, Device> turned(ctx, {of.outputs * of.taps() * of.inputs});
  for (int phase = 0; phase < of.stride * of.stride; ++phase) {
    const int first_down = phase / of.stride, first_right = phase % of.stride;
    if (first_down >= of.x.height || first_right >= of.x.width) continue;
    const phase_taps down = phase_taps::of(first_down, of.taps_down, of.stride, of.padding),
                     right = phase_taps::of(first_right, of.taps_right, of.stride, of.padding);
    const int count = of.outputs * down.count * right.count * of.inputs;
    launch(ctx, blocks_for(count, 256), turn_filter_kernel{}, of.outputs, of.taps_down, of.taps_right, of.inputs,
           of.stride, down, right, filter, turned.data());
    kernel k{};
    k.e = {.x = of.y,
           .y = {of.x.images, (of.x.height - first_down - 1) / of.stride + 1,
                 (of.x.width - first_right - 1) / of.stride + 1, of.x.channels},
           .taps_down = down.count,
           .taps_right = right.count,
           .inputs = of.outputs,
           .outputs = of.inputs,
           .stride = 1,
           .padding = 0,
           .dilation = 1,
           .groups = 1};
    k.top = down.count - 1 - down.ahead;
    k.left = right.count - 1 - right.ahead;
    k.written = {of.stride, first_down, first_right, of.x.height, of.x.width};
    k.x = dy;
    k.filter = turned.data();
    k.y = dx;
    launch(ctx, product_blocks<kernel>(k.e.pixels(), k.e.outputs, 1), k);
  }
}

/// Pixels are counted in 16 bits an edge.
inline bool fits_tensor_cores(const shape& x) { return x[1] < 1 << 14 && x[2] < 1 << 14; }

}  // namespace detail

/// Whether tensor cores take this convolution, forward and to the filter.
constexpr bool has_bf16_conv2d(const shape& filter, conv2d_geometry g) {
  return g.groups == 1 && filter[3] % 8 == 0 && filter[3] > 0 && filter[0] % 8 == 0;
}
/// And to the image.
constexpr bool has_bf16_conv2d_backward_data(const shape& filter, conv2d_geometry g) {
  return has_bf16_conv2d(filter, g) && (g.stride == 1 || g.dilation == 1);
}

/// conv2d of bfloat16 operands with sums and epilogue in float32; y is float or bfloat16. Channels of x are a multiple of 8,
/// edges of x below 2^14 and one group, else shape_error.
template <class Out, GpuDevice Device>
void conv2d_bf16(context<Device>& ctx, view_on<const bfloat16, Device> x, view_on<const bfloat16, Device> filter,
                 conv2d_geometry g, const conv2d_epilogue<float, std::type_identity_t<Device>>& e,
                 view_on<Out, Device> y, view_on<double, Device> sums = {}) {
  detail::require_conv2d_shapes("conv2d_bf16", x.shape(), filter.shape(), g, y.shape());
  if (g.groups != 1 || filter.extent(3) % 8 != 0 || x.extent(1) >= 1 << 14 || x.extent(2) >= 1 << 14)
    detail::throw_no_tensor_cores("conv2d_bf16", "one group, channels in multiples of 8 and edges below 2^14",
                                  x.shape(), filter.shape());
  detail::launch_conv2d_bf16(ctx, detail::conv2d_extents::of("conv2d_bf16", x.shape(), filter.shape(), g, y.shape()),
                             detail::epilogue_values<float>::of("conv2d_bf16", e, y.shape()), x.data(), filter.data(),
                             y.data(), sums);
}

/// conv2d_backward_data; dx is float or bfloat16. Stride or dilation, not both; one group, filters in multiples of 8, edges
/// below 2^14, else shape_error.
template <class Out, GpuDevice Device>
void conv2d_bf16_backward_data(context<Device>& ctx, view_on<const bfloat16, Device> dy, view_on<const bfloat16, Device> filter,
                               conv2d_geometry g, view_on<Out, Device> dx) {
  constexpr std::string_view name = "conv2d_bf16_backward_data";
  detail::require_conv2d_shapes(name, dx.shape(), filter.shape(), g, dy.shape());
  if (g.groups != 1 || filter.extent(0) % 8 != 0 || (g.stride != 1 && g.dilation != 1) ||
      !detail::fits_tensor_cores(dx.shape()))
    detail::throw_no_tensor_cores(name, "one group, filters in multiples of 8, stride or dilation, edges below 2^14",
                                  dx.shape(), filter.shape());
  const auto extents = detail::conv2d_extents::of(name, dx.shape(), filter.shape(), g, dy.shape());
  if (g.dilation == 1) return detail::launch_strided_data(ctx, extents, dy.data(), filter.data(), dx.data());
  // Dilated: one phase, whose taps lie apart.
  tensor<bfloat16, Device> turned(ctx, {filter.size()});
  const detail::phase_taps down{0, extents.taps_down, 0}, right{0, extents.taps_right, 0};
  launch(ctx, blocks_for(filter.size(), 256), detail::turn_filter_kernel{}, extents.outputs, extents.taps_down,
         extents.taps_right, extents.inputs, 1, down, right, filter.data(), turned.data());
  detail::conv2d_bf16_kernel<Out, float> k{};
  k.e = {.x = extents.y,
         .y = extents.x,
         .taps_down = extents.taps_down,
         .taps_right = extents.taps_right,
         .inputs = extents.outputs,
         .outputs = extents.inputs,
         .stride = 1,
         .padding = 0,
         .dilation = g.dilation,
         .groups = 1};
  k.top = static_cast<int>(g.reach(extents.taps_down)) - 1 - g.padding;
  k.left = static_cast<int>(g.reach(extents.taps_right)) - 1 - g.padding;
  k.x = dy.data();
  k.filter = turned.data();
  k.y = dx.data();
  launch(ctx, detail::product_blocks<detail::conv2d_bf16_kernel<Out, float>>(k.e.pixels(), k.e.outputs, 1), k);
}

/// conv2d_backward_filter into float32, added to. Channels and filters are multiples of 8, else shape_error. The order of the
/// sums is fixed by the shape.
template <GpuDevice Device>
void conv2d_bf16_backward_filter(context<Device>& ctx, view_on<const bfloat16, Device> x, view_on<const bfloat16, Device> dy,
                                 conv2d_geometry g, view_on<float, Device> dfilter) {
  constexpr std::string_view name = "conv2d_bf16_backward_filter";
  detail::require_conv2d_shapes(name, x.shape(), dfilter.shape(), g, dy.shape());
  if (!has_bf16_conv2d(dfilter.shape(), g))
    detail::throw_no_tensor_cores(name, "one group, channels and filters in multiples of 8", x.shape(),
                                  dfilter.shape());
  if (dfilter.empty() || dy.empty()) return;
  const auto extents = detail::conv2d_extents::of(name, x.shape(), dfilter.shape(), g, dy.shape());
  const auto shares = detail::filter_shares::of(extents);
  const auto count = static_cast<int>(dfilter.size());
  detail::counted(name, static_cast<index_t>(shares.count) * count);
  tensor<float, Device> partial(ctx, {shares.count, count});
  const float *const known = partial.data(), *const before = dfilter.data();
  detail::conv2d_bf16_filter_kernel k{};
  k.e = extents;
  k.share_pixels = shares.pixels;
  k.x = x.data();
  k.dy = dy.data();
  k.partial = partial.data();
  launch(ctx, detail::product_blocks<detail::conv2d_bf16_filter_kernel>(extents.outputs, extents.reach(), shares.count),
         k);
  detail::launch_map(ctx, detail::add_shares<float>{known, shares.count, count}, count, dfilter.data(), before);
}

namespace detail {

/// Filters are trained in float32 and multiplied in bfloat16.
template <GpuDevice Device>
tensor<bfloat16, Device> stored_filter(context<Device>& ctx, view_on<const float, Device> filter) {
  tensor<bfloat16, Device> stored(ctx, filter.shape());
  launch_map(ctx, same_value{}, filter.size(), stored.data(), filter.data());
  return stored;
}

}  // namespace detail

// Twins of kernels/cpu/conv2d.hpp for images stored as bfloat16: on tensor cores where has_bf16_conv2d says so, else with the
// loops of conv2d.hpp, which widen what they read. Sums are float32 either way.

template <class Real, GpuDevice Device>
requires std::same_as<Real, bfloat16>
void conv2d(context<Device>& ctx, view_on<const Real, Device> x, view_on<const float, Device> filter, conv2d_geometry g,
            const conv2d_epilogue<Real, std::type_identity_t<Device>>& e, view_on<Real, Device> y,
            view_on<double, Device> sums = {}) {
  if (detail::library_conv2d<Real, Device>(ctx, x, filter, g, e, y)) return detail::sums_after<Real>(ctx, y, sums);
  if (!has_bf16_conv2d(filter.shape(), g) || !detail::fits_tensor_cores(x.shape()))
    return detail::conv2d_any<Real>(ctx, x, filter, g, e, y, sums);
  const auto stored = detail::stored_filter(ctx, filter);
  detail::launch_conv2d_bf16(ctx, detail::conv2d_extents::of("conv2d", x.shape(), filter.shape(), g, y.shape()),
                             detail::epilogue_values<Real>::of("conv2d", e, y.shape()), x.data(), stored.data(),
                             y.data(), sums);
}

template <class Real, GpuDevice Device>
requires std::same_as<Real, bfloat16>
void conv2d_backward_data(context<Device>& ctx, view_on<const Real, Device> dy, view_on<const float, Device> filter,
                          conv2d_geometry g, view_on<Real, Device> dx) {
  if (detail::library_conv2d_backward_data<Real, Device>(ctx, dy, filter, g, dx)) return;
  if (!has_bf16_conv2d_backward_data(filter.shape(), g) || !detail::fits_tensor_cores(dx.shape()))
    return detail::conv2d_any_backward_data<Real>(ctx, dy, filter, g, dx);
  conv2d_bf16_backward_data<Real>(ctx, dy, detail::stored_filter(ctx, filter), g, dx);
}

template <class Real, GpuDevice Device>
requires std::same_as<Real, bfloat16>
void conv2d_backward_filter(context<Device>& ctx, view_on<const Real, Device> x, view_on<const Real, Device> dy,
                            conv2d_geometry g, view_on<float, Device> dfilter) {
  if (detail::library_conv2d_backward_filter<Real, Device>(ctx, x, dy, g, dfilter)) return;
  if (!has_bf16_conv2d(dfilter.shape(), g))
    return detail::conv2d_any_backward_filter<Real>(ctx, x, dy, g, dfilter);
  conv2d_bf16_backward_filter(ctx, x, dy, g, dfilter);
}

}  // namespace aixcell
