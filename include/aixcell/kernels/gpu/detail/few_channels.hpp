#pragma once
#include <aixcell/kernels/gpu/detail/filter_shares.hpp>
#include <aixcell/kernels/gpu/detail/pixel_tiles.hpp>
#include <aixcell/kernels/gpu/detail/tensor_core_tile.hpp>
#include <aixcell/kernels/gpu/detail/tile_output.hpp>

namespace aixcell::detail {

// Convolution of images of few channels, as first layers have: a tap is less than 16 bytes, so nothing travels as one. A block takes
// 8 x 16 pixels of y and what their taps reach, once, to shared memory, and deals the operand of its product from there: pixels by
// (r, s, c), in steps of the depth of a tile.

/// What the directions share: tiles of y, what taps reach of x, and where a depth lies in that.
struct few_channels {
  static constexpr int most_channels = 7, most_taps = 7, most_stride = 2;
  static constexpr int most_reached = ((pixel_tiles::down - 1) * most_stride + most_taps) *
                                      ((pixel_tiles::right - 1) * most_stride + most_taps) * most_channels;
  static constexpr int most_depth = most_taps * most_taps * most_channels;

  static constexpr bool take(const shape& filter, conv2d_geometry g) {
    return g.groups == 1 && g.dilation == 1 && g.stride <= most_stride && filter[1] <= most_taps &&
           filter[2] <= most_taps && filter[3] >= 1 && filter[3] <= most_channels;
  }

  conv2d_extents e;

  constexpr pixel_tiles tiles() const { return {e.y}; }
  /// Values of a row of x that a tile reaches.
  constexpr int pitch() const { return ((pixel_tiles::right - 1) * e.stride + e.taps_right) * e.inputs; }

  /// Of a row of the product, one of the tile's pixels: its first tap in what was loaded.
  constexpr int first_of(int row) const {
    return (row / pixel_tiles::right * pitch() + row % pixel_tiles::right * e.inputs) * e.stride;
  }
  /// Of a depth, from the first tap on; below 0 beyond the last.
  constexpr int offset_of(int depth) const {
    const int c = depth % e.inputs, tap = depth / e.inputs;
    return depth < e.reach() ? tap / e.taps_right * pitch() + tap % e.taps_right * e.inputs + c : -1;
  }

  /// What the taps of a tile reach, zeros outside of the image: a warp a row.
  template <class Value>
  constexpr void load(auto t, const pixel_tiles::tile& b, const Value* x, Value* to) const {
    const int rows = (pixel_tiles::down - 1) * e.stride + e.taps_down, width = e.x.width * e.inputs;
    const int top = b.top * e.stride - e.padding, left = (b.left * e.stride - e.padding) * e.inputs;
    for (int row = warp_of(t); row < rows; row += t.block_threads() / warp_size) {
      const int h = top + row, first = (b.image * e.x.height + h) * width;
      for (int i = lane_of(t); i < pitch(); i += warp_size) {
        const bool inside = h >= 0 && h < e.x.height && left + i >= 0 && left + i < width;
        to[row * pitch() + i] = inside ? x[first + left + i] : Value(0.0f);
      }
    }
  }
};

/// y: rows are the pixels of a tile, columns filters.
template <class Tile, class Out>
struct few_channels_kernel : Tile {
  using Tile::columns, Tile::depth, Tile::piece, Tile::rows, Tile::threads;
  using typename Tile::operand;
  static_assert(rows == pixel_tiles::pixels && rows == threads);
  static constexpr std::string_view name = "conv2d, few channels";
  struct tiles {
    alignas(16) typename Tile::template along<rows> left;
    alignas(16) typename Tile::template along<columns> right;
    alignas(16) int offsets[(few_channels::most_depth + depth - 1) / depth * depth];
    operand reached[few_channels::most_reached];
  };
  union shared {
    tiles in;
    summed_tile<float, rows, columns, threads> out;
  };

  few_channels of;
  const operand* x;
  const float* filter;
  tile_output<Out> output;

  constexpr void operator()(auto t, shared& s) const {
    const int id = t.rank(), first_column = t.block().y * columns, reach = of.e.reach();
    const pixel_tiles cut = of.tiles();
    const auto block = cut.at(t.block().x);
    of.load(t, block, x, s.in.reached);
    for (int k = id; k < (reach + depth - 1) / depth * depth; k += threads) s.in.offsets[k] = of.offset_of(k);
    typename Tile::accumulators sum = {};
    for (int first = 0; first < reach; first += depth) {
      t.sync();  // what the taps reach is here, and the tiles are read
      const int rest = (reach - first + Tile::depth_step - 1) / Tile::depth_step * Tile::depth_step,
                count = rest < depth ? rest : depth;
      // This thread deals a row of the left tile.
      const int reached = of.first_of(id);
      for (int k = 0; k < count; k += piece) {
        pack<operand, piece> values{};
        for (int i = 0; i < piece; ++i) {
          const int offset = s.in.offsets[first + k + i];
          values[i] = offset < 0 ? operand(0.0f) : s.in.reached[reached + offset];
        }
        *reinterpret_cast<pack<operand, piece>*>(&s.in.left[id][k]) = values;
      }
      for (int i = id; i < columns * count; i += threads) {
        const int row = i / count, k = i % count, column = first_column + row;
        const bool inside = column < of.e.outputs && first + k < reach;
        s.in.right[row][k] = inside ? static_cast<operand>(filter[column * reach + first + k]) : operand(0.0f);
      }
      t.sync();
      Tile::multiply_along(t, sum, count, in_rows_of(s.in.left), in_rows_of(s.in.right));
    }
    output.template store<Tile>(t, sum, s.out, t.block().x * rows, first_column, [&](int i) {
      const int pixel = cut.pixel_of(block, i);
      return pixel < 0 ? -1 : pixel * of.e.outputs;
    });
  }
};

/// Partial dfilter [shares,K,R,S,C]: rows are (r, s, c), columns filters, depth the pixels of a share of the tiles.
template <class Tile>
struct few_channels_filter_kernel : Tile {
  using Tile::columns, Tile::depth, Tile::piece, Tile::rows, Tile::threads;
  using typename Tile::operand;
  static constexpr std::string_view name = "conv2d_backward_filter, few channels";
  struct shared {
    alignas(16) typename Tile::template across<rows> left;
    alignas(16) typename Tile::template across<columns> right;
    operand reached[few_channels::most_reached];
  };

  few_channels of;
  int share_tiles;
  const operand *x, *dy;
  float* partial;

  constexpr void operator()(auto t, shared& s) const {
    const int id = t.rank(), first_row = t.block().x * rows, first_column = t.block().y * columns, share = t.block().z;
    const pixel_tiles cut = of.tiles();
    const int end = (share + 1) * share_tiles < cut.count() ? (share + 1) * share_tiles : cut.count();
    // This thread deals some rows of some pixels of the left tile, and a column of every second pixel of the right.
    constexpr int chunks = rows / piece;
    int offsets[piece] = {};
    for (int i = 0; i < piece; ++i) offsets[i] = of.offset_of(first_row + id % chunks * piece + i);
    const int column = first_column + id % columns;
    typename Tile::accumulators sum = {};
    for (int tile = share * share_tiles; tile < end; ++tile) {
      const auto block = cut.at(tile);
      t.sync();  // what the taps of the last one reach is read
      of.load(t, block, x, s.reached);
      for (int first = 0; first < pixel_tiles::pixels; first += depth) {
        t.sync();  // what the taps reach is here, and the tiles are read
        for (int d = id / chunks; d < depth; d += threads / chunks) {
          const bool inside = cut.pixel_of(block, first + d) >= 0;
          const int reached = of.first_of(first + d);
          pack<operand, piece> values{};
          for (int i = 0; i < piece; ++i)
            values[i] = inside && offsets[i] >= 0 ? s.reached[reached + offsets[i]] : operand(0.0f);
          *reinterpret_cast<pack<operand, piece>*>(&s.left[d][id % chunks * piece]) = values;
        }
        for (int d = id / columns; d < depth; d += threads / columns) {
          const int pixel = cut.pixel_of(block, first + d);
          const bool inside = pixel >= 0 && column < of.e.outputs;
          s.right[d][id % columns] = inside ? dy[pixel * of.e.outputs + column] : operand(0.0f);
        }
        t.sync();
        Tile::multiply_across(t, sum, depth, in_rows_of(s.left), in_rows_of(s.right));
      }
    }
    const int reach = of.e.reach();
    Tile::for_each_sum(t, sum, [&](int i, int j, float v) {
      if (first_row + i < reach && first_column + j < of.e.outputs)
        partial[(share * of.e.outputs + first_column + j) * reach + first_row + i] = v;
    });
  }
};

template <class Tile, class Stored, GpuDevice Device>
void launch_few_channels(context<Device>& ctx, const conv2d_extents& e, const epilogue_values<Stored>& epilogue,
                         const Stored* x, const float* filter, Stored* y, view<double, Device> sums) {
  using kernel = few_channels_kernel<Tile, Stored>;
  const few_channels of{e};
  const shape extents{e.y.images, e.y.height, e.y.width, e.y.channels};
  if (extents.count() == 0) return with_tile_sums<1>(ctx, "conv2d", extents, 0, sums, [](const tile_sums&) {});
  // Rows of all tiles, those outside of y too.
  counted("conv2d", index_t{of.tiles().count()} * kernel::rows);
  with_tile_sums<kernel::rows>(
      ctx, "conv2d", extents, of.tiles().in_image() * kernel::rows, sums, [&](const tile_sums& totals) {
        kernel k{};
        k.of = of;
        k.x = x;
        k.filter = filter;
        k.output = tile_output<Stored>::of(epilogue, y, e.outputs);
        k.output.totals = totals;
        launch(ctx, {of.tiles().count(), (e.outputs + kernel::columns - 1) / kernel::columns, 1}, k);
      });
}

template <class Tile, class Stored, GpuDevice Device>
void launch_few_channels_to_filter(context<Device>& ctx, std::string_view where, const conv2d_extents& e,
                                   const Stored* x, const Stored* dy, view<float, Device> dfilter) {
  using kernel = few_channels_filter_kernel<Tile>;
  const few_channels of{e};
  const dim blocks{(e.reach() + kernel::rows - 1) / kernel::rows, (e.outputs + kernel::columns - 1) / kernel::columns,
                   1};
  const auto shares = filter_shares::of(static_cast<int>(blocks.count()), of.tiles().count(), 2);
  add_filter_shares<float>(ctx, where, shares, dfilter, [&](float* partial) {
    kernel k{};
    k.of = of;
    k.share_tiles = shares.each;
    k.x = x;
    k.dy = dy;
    k.partial = partial;
    launch(ctx, {blocks.x, blocks.y, shares.count}, k);
  });
}

}  // namespace aixcell::detail
