#pragma once
#include <aixcell/kernels/gpu/detail/filter_shares.hpp>
#include <aixcell/kernels/gpu/detail/tensor_core_tile.hpp>
#include <aixcell/kernels/gpu/detail/tile_output.hpp>

namespace aixcell::detail {

// Convolution of images of few channels, as first layers have: a tap is less than 16 bytes, so nothing travels as one. A block takes
// 8 x 16 pixels of y and what their taps reach, once, to shared memory, and deals the operand of its product from there: pixels by
// (r, s, c), in steps of the depth of a tile.

/// What the directions share: tiles of y, what taps reach of x, and where a depth lies in that.
struct few_channels {
  static constexpr int most_channels = 7, most_taps = 7, most_stride = 2;
  static constexpr int down = 8, right = 16;  // pixels of a tile
  static constexpr int most_reached =
      ((down - 1) * most_stride + most_taps) * ((right - 1) * most_stride + most_taps) * most_channels;
  static constexpr int most_depth = most_taps * most_taps * most_channels;

  static constexpr bool take(const shape& filter, conv2d_geometry g) {
    return g.groups == 1 && g.dilation == 1 && g.stride <= most_stride && filter[1] <= most_taps &&
           filter[2] <= most_taps && filter[3] >= 1 && filter[3] <= most_channels;
  }

  conv2d_extents e;

  constexpr int tiles_down() const { return (e.y.height + down - 1) / down; }
  constexpr int tiles_right() const { return (e.y.width + right - 1) / right; }
  constexpr int tiles_of_image() const { return tiles_down() * tiles_right(); }
  constexpr int tiles() const { return e.y.images * tiles_of_image(); }
  /// Values of a row of x that a tile reaches.
  constexpr int pitch() const { return ((right - 1) * e.stride + e.taps_right) * e.inputs; }

  struct tile {
    int image, top, left;  // first pixel in y
  };
  constexpr tile tile_at(int i) const {
    return {i / tiles_of_image(), i % tiles_of_image() / tiles_right() * down, i % tiles_right() * right};
  }
  /// Of a row of the product, one of the tile's pixels: in y, below 0 outside; and of its first tap in what was loaded.
  constexpr int pixel_of(const tile& b, int row) const {
    const int p = b.top + row / right, q = b.left + row % right;
    return p < e.y.height && q < e.y.width ? (b.image * e.y.height + p) * e.y.width + q : -1;
  }
  constexpr int first_of(int row) const { return row / right * e.stride * pitch() + row % right * e.stride * e.inputs; }
  /// Of a depth, from the first tap on; below 0 beyond the last.
  constexpr int offset_of(int depth) const {
    const int c = depth % e.inputs, tap = depth / e.inputs;
    return depth < e.reach() ? tap / e.taps_right * pitch() + tap % e.taps_right * e.inputs + c : -1;
  }

  /// What the taps of a tile reach, zeros outside of the image: a warp a row.
  template <class Value>
  constexpr void load(auto t, const tile& b, const Value* x, Value* to) const {
    const int rows = (down - 1) * e.stride + e.taps_down, width = e.x.width * e.inputs;
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
  static_assert(rows == few_channels::down * few_channels::right && rows == threads);
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
    const auto block = of.tile_at(t.block().x);
    of.load(t, block, x, s.in.reached);
    for (int k = id; k < (reach + depth - 1) / depth * depth; k += threads) s.in.offsets[k] = of.offset_of(k);
    typename Tile::accumulators sum = {};
    for (int first = 0; first < reach; first += depth) {
      t.sync();  // what the taps reach is here, and the tiles are read
      // This thread deals a row of the left tile, and half a row of the right.
      const int reached = of.first_of(id);
      for (int k = 0; k < depth; k += piece) {
        pack<operand, piece> values{};
        for (int i = 0; i < piece; ++i) {
          const int offset = s.in.offsets[first + k + i];
          values[i] = offset < 0 ? operand(0.0f) : s.in.reached[reached + offset];
        }
        *reinterpret_cast<pack<operand, piece>*>(&s.in.left[id][k]) = values;
      }
      const int row = id / 2, column = first_column + row;
      for (int i = 0; i < depth / 2; ++i) {
        const int k = id % 2 * (depth / 2) + i;
        const bool inside = column < of.e.outputs && first + k < reach;
        s.in.right[row][k] = inside ? static_cast<operand>(filter[column * reach + first + k]) : operand(0.0f);
      }
      t.sync();
      Tile::multiply_along(t, sum, s.in.left, s.in.right);
    }
    output.template store<Tile>(t, sum, s.out, t.block().x * rows, first_column, [&](int i) {
      const int pixel = of.pixel_of(block, i);
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
    const int end = (share + 1) * share_tiles < of.tiles() ? (share + 1) * share_tiles : of.tiles();
    // This thread deals some rows of some pixels of the left tile, and a column of every second pixel of the right.
    constexpr int chunks = rows / piece;
    int offsets[piece] = {};
    for (int i = 0; i < piece; ++i) offsets[i] = of.offset_of(first_row + id % chunks * piece + i);
    const int column = first_column + id % columns;
    typename Tile::accumulators sum = {};
    for (int tile = share * share_tiles; tile < end; ++tile) {
      const auto block = of.tile_at(tile);
      t.sync();  // what the taps of the last one reach is read
      of.load(t, block, x, s.reached);
      for (int first = 0; first < few_channels::down * few_channels::right; first += depth) {
        t.sync();  // what the taps reach is here, and the tiles are read
        for (int d = id / chunks; d < depth; d += threads / chunks) {
          const bool inside = of.pixel_of(block, first + d) >= 0;
          const int reached = of.first_of(first + d);
          pack<operand, piece> values{};
          for (int i = 0; i < piece; ++i)
            values[i] = inside && offsets[i] >= 0 ? s.reached[reached + offsets[i]] : operand(0.0f);
          *reinterpret_cast<pack<operand, piece>*>(&s.left[d][id % chunks * piece]) = values;
        }
        for (int d = id / columns; d < depth; d += threads / columns) {
          const int pixel = of.pixel_of(block, first + d);
          const bool inside = pixel >= 0 && column < of.e.outputs;
          s.right[d][id % columns] = inside ? dy[pixel * of.e.outputs + column] : operand(0.0f);
        }
        t.sync();
        Tile::multiply_across(t, sum, s.left, s.right);
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
  counted("conv2d", index_t{of.tiles()} * kernel::rows);
  with_tile_sums<kernel::rows>(ctx, "conv2d", extents, of.tiles_of_image() * kernel::rows, sums,
                               [&](const tile_sums& totals) {
                                 kernel k{};
                                 k.of = of;
                                 k.x = x;
                                 k.filter = filter;
                                 k.output = {epilogue, y, e.outputs, totals};
                                 launch(ctx, {of.tiles(), (e.outputs + kernel::columns - 1) / kernel::columns, 1}, k);
                               });
}

template <class Tile, class Stored, GpuDevice Device>
void launch_few_channels_to_filter(context<Device>& ctx, std::string_view where, const conv2d_extents& e,
                                   const Stored* x, const Stored* dy, view<float, Device> dfilter) {
  using kernel = few_channels_filter_kernel<Tile>;
  const few_channels of{e};
  const dim blocks{(e.reach() + kernel::rows - 1) / kernel::rows, (e.outputs + kernel::columns - 1) / kernel::columns,
                   1};
  const auto shares = filter_shares::of(static_cast<int>(blocks.count()), of.tiles(), 2);
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
