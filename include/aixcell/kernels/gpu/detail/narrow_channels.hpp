#pragma once
#include <aixcell/kernels/gpu/detail/dense_product.hpp>
#include <aixcell/kernels/gpu/detail/filter_shares.hpp>
#include <aixcell/kernels/gpu/detail/pixel_tiles.hpp>
#include <aixcell/kernels/gpu/detail/tensor_core_tile.hpp>
#include <aixcell/kernels/gpu/detail/tile_output.hpp>

namespace aixcell::detail {

// Convolution on tensor cores of at most 64 bytes of channels, as the outer levels of a network have, under filters of up to 3 x 3.
// Memory bounds it, so nothing may be read again: of 32 channels in bfloat16 under 3 x 3, a tile of 128 pixels has 8 KiB; dealt tap by
// tap it is read 9 times, 72 KiB, and the filters with it. Here a block takes what the taps of a tile reach once, 11 KiB, to shared
// memory, out of which ldmatrix takes rows wherever they lie; and goes on to other tiles with the same filters.

/// What the directions share: where taps and channels lie in what a tile reaches.
template <class Operand>
struct narrow_channels {
  static constexpr int piece = 16 / static_cast<int>(sizeof(Operand));  // values
  static constexpr int most_pieces = 4, most_taps = 3;
  static constexpr int most_depth = most_taps * most_taps * most_pieces;  // in pieces
  static constexpr int reached_down = pixel_tiles::down + most_taps - 1,
                       reached_right = pixel_tiles::right + most_taps - 1;
  static constexpr int most_reached = reached_down * reached_right * (most_pieces | 1) * piece;

  static constexpr bool take(const conv2d_extents& e) {
    return e.groups == 1 && e.stride == 1 && e.dilation == 1 && e.taps_down >= 1 && e.taps_right >= 1 &&
           e.taps_down <= most_taps && e.taps_right <= most_taps && e.inputs % piece == 0 && e.inputs >= piece &&
           e.inputs <= most_pieces * piece;
  }

  conv2d_extents e;

  constexpr pixel_tiles tiles() const { return {e.y}; }
  constexpr int pieces() const { return e.inputs / piece; }
  constexpr int depth() const { return e.taps() * pieces(); }  // in pieces
  /// Values from pixel to pixel and from filter to filter: odd pieces, so that 8 neighbours lie in different banks.
  constexpr int pitch() const { return (pieces() | 1) * piece; }
  constexpr int filter_pitch() const { return (depth() | 1) * piece; }
  constexpr int width() const { return pixel_tiles::right + e.taps_right - 1; }  // reached, in pixels

  constexpr int first_of(int i) const { return (i / pixel_tiles::right * width() + i % pixel_tiles::right) * pitch(); }
  /// Of a piece of depth (r, s, c), from the first tap on.
  constexpr int offset_of(int i) const {
    const int tap = i / pieces();
    return (tap / e.taps_right * width() + tap % e.taps_right) * pitch() + i % pieces() * piece;
  }
  /// Starts copies of what a tile reaches, zeros outside of the image.
  constexpr void fetch(auto t, const pixel_tiles::tile& b, int top, int left, const Operand* x, Operand* to) const {
    const int count = (pixel_tiles::down + e.taps_down - 1) * width() * pieces();
    for (int i = t.rank(); i < count; i += t.block_threads()) {
      const int pixel = i / pieces(), c = i % pieces() * piece;
      const int h = b.top - top + pixel / width(), w = b.left - left + pixel % width();
      const bool inside = h >= 0 && h < e.x.height && w >= 0 && w < e.x.width;
      t.copy_async16(to + pixel * pitch() + c,
                     inside ? x + ((b.image * e.x.height + h) * e.x.width + w) * e.x.channels + c : x, inside ? 16 : 0);
    }
  }
};

/// y: rows are the pixels of a tile, columns filters, depth (r, s, c); `turns` tiles, one after another.
template <class Operand, int Columns, class Out, class Residual>
struct narrow_kernel : tensor_core_tile<Operand, Columns> {
  using tile = tensor_core_tile<Operand, Columns>;
  using narrow = narrow_channels<Operand>;
  using tile::columns, tile::piece, tile::rows, tile::threads;
  static_assert(rows == pixel_tiles::pixels);
  static constexpr std::string_view name = tile::is_tf32 ? "conv2d_tf32, narrow" : "conv2d_bf16, narrow";
  struct shared {
    alignas(16) Operand filter[columns * (narrow::most_depth | 1) * piece];
    alignas(16) Operand zeros[piece];
    int offsets[narrow::most_depth];
    union {
      alignas(16) Operand reached[narrow::most_reached];
      summed_tile<float, rows, columns, threads> out;
    };
  };

  dense_product<Operand> of;
  int turns;
  tile_output<Out, Residual> output;

  constexpr void operator()(auto t, shared& s) const {
    const narrow n{of.e};
    const pixel_tiles tiles = n.tiles();
    const int first_column = t.block().y * columns, pieces = n.depth(), filter_pitch = n.filter_pitch(), id = t.rank();
    for (int i = id; i < columns * pieces; i += threads) {
      const int row = i / pieces, k = i % pieces * piece;
      const bool inside = first_column + row < of.e.outputs;
      t.copy_async16(&s.filter[row * filter_pitch + k],
                     inside ? of.filter + (first_column + row) * pieces * piece + k : of.filter, inside ? 16 : 0);
    }
    for (int i = id; i < pieces; i += threads) s.offsets[i] = n.offset_of(i);
    if (id < piece) s.zeros[id] = Operand(0.0f);
    for (int turn = 0; turn < turns; ++turn) {
      const int i = t.block().x * turns + turn;
      if (i >= tiles.count()) return;  // the whole block
      const auto block = tiles.at(i);
      t.sync();  // what was stored is read
      n.fetch(t, block, of.top, of.left, of.x, s.reached);
      t.commit();
      t.template wait<0>();
      t.sync();
      typename tile::accumulators sum = {};
      const int even = (pieces + 1) / 2 * 2;  // the last may be beyond the depth: zero on both sides
      tile::multiply_along(
          t, sum, even * piece,
          [&](int row, int k) {
            return k / piece < pieces ? &s.reached[n.first_of(row) + s.offsets[k / piece]] : s.zeros;
          },
          [&](int column, int k) { return k / piece < pieces ? &s.filter[column * filter_pitch + k] : s.zeros; });
      output.template store<tile>(t, sum, s.out, i * rows, first_column,
                                  [&](int row) { return of.first_value_of(tiles.pixel_of(block, row)); });
    }
  }
};

/// Partial dfilter [shares,K,R,S,C]: rows are (r, s, c), columns filters, depth the pixels of a share of the tiles.
template <class Operand, int Columns>
struct narrow_filter_kernel : tensor_core_tile<Operand, Columns> {
  using tile = tensor_core_tile<Operand, Columns>;
  using narrow = narrow_channels<Operand>;
  using tile::columns, tile::piece, tile::rows, tile::threads;
  static constexpr std::string_view name =
      tile::is_tf32 ? "conv2d_tf32_backward_filter, narrow" : "conv2d_bf16_backward_filter, narrow";
  static constexpr int chunks = rows / tile::piece;
  struct shared {
    alignas(16) Operand reached[narrow::most_reached];
    alignas(16) Operand dy[pixel_tiles::pixels][columns + 8];
    alignas(16) Operand zeros[piece];
    int offsets[chunks];  // below 0: beyond the last
  };

  conv2d_extents e;
  int share_tiles;
  const Operand *x, *dy;
  float* partial;

  constexpr void operator()(auto t, shared& s) const {
    const narrow n{e};
    const pixel_tiles tiles = n.tiles();
    const int id = t.rank(), first_row = t.block().x * rows, first_column = t.block().y * columns, share = t.block().z;
    const int end = (share + 1) * share_tiles < tiles.count() ? (share + 1) * share_tiles : tiles.count();
    for (int i = id; i < chunks; i += threads) {
      const int k = first_row / piece + i;
      s.offsets[i] = k < n.depth() ? n.offset_of(k) : -1;
    }
    if (id < piece) s.zeros[id] = Operand(0.0f);
    typename tile::accumulators sum = {};
    for (int i = share * share_tiles; i < end; ++i) {
      const auto block = tiles.at(i);
      t.sync();  // the tiles are read
      n.fetch(t, block, e.padding, e.padding, x, s.reached);
      for (int j = id; j < pixel_tiles::pixels * (columns / piece); j += threads) {
        const int row = j / (columns / piece), column = j % (columns / piece) * piece;
        const int pixel = tiles.pixel_of(block, row);
        const bool inside = pixel >= 0 && first_column + column < e.outputs;
        t.copy_async16(&s.dy[row][column], inside ? dy + pixel * e.outputs + first_column + column : dy,
                       inside ? 16 : 0);
      }
      t.commit();
      t.template wait<0>();
      t.sync();
      tile::multiply_across(
          t, sum, pixel_tiles::pixels,
          [&](int k, int row) {
            const int offset = s.offsets[row / piece];
            return (offset < 0 ? s.zeros : &s.reached[n.first_of(k) + offset]) + row % piece;
          },
          in_rows_of(s.dy));
    }
    const int reach = e.reach();
    tile::for_each_sum(t, sum, [&](int i, int j, float v) {
      if (first_row + i < reach && first_column + j < e.outputs)
        partial[(share * e.outputs + first_column + j) * reach + first_row + i] = v;
    });
  }
};

}  // namespace aixcell::detail
