#pragma once
#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/normalisation.hpp>

namespace aixcell::detail {

// What channel_sums says of y, taken while tiles of y are written: a normalisation that follows reads the image once less.
// Within a tile float32 sums of differences from one of the values, which lose nothing to a large mean; then float64, added up by
// a second launch in an order that depends on the shape only.

/// Shared memory for it.
template <class Real, int Rows, int Columns, int Threads>
struct summed_tile {
  static constexpr int rows = Rows, columns = Columns, pitch = Columns + 4;
  Real values[rows][pitch];  // as stored
  sums<2> part[Threads];
};

/// Tiles of `rows` pixels of [N,pixels] in a row, each by some channels. A tile that goes on into the next image has a row of
/// `partial` for each: tile + image is another number for each such pair.
struct tile_sums {
  int rows = 1, images = 0, pixels = 0, channels = 0;
  sums<2>* partial = nullptr;  // [parts(),channels]; null: nobody asked

  constexpr int parts() const { return (images * pixels + rows - 1) / rows + images; }
  constexpr int first(int image) const { return image + image * pixels / rows; }
  constexpr int count(int image) const { return ((image + 1) * pixels - 1) / rows - image * pixels / rows + 1; }

  /// For all threads of a block, once the tile is in shared memory. `first_row` is a multiple of `rows`; inside(row): it is
  /// a pixel, as the first of an image is.
  template <class Tile>
  constexpr void add(auto t, Tile& tile, int first_row, int first_channel, int end_channel, auto&& inside) const {
    const int column = t.rank() % Tile::columns, turn = t.rank() / Tile::columns,
              turns = t.block_threads() / Tile::columns, channel = first_channel + column;
    const int all = images * pixels, end_row = first_row + rows < all ? first_row + rows : all;
    for (int image = first_row / pixels; image * pixels < end_row; ++image) {
      const int begin = image * pixels > first_row ? image * pixels - first_row : 0;
      const int end = ((image + 1) * pixels < end_row ? (image + 1) * pixels : end_row) - first_row;
      const auto middle = tile.values[begin][column];
      auto sum = middle - middle, square = sum;
      int count = 0;
      for (int row = begin + turn; row < end; row += turns) {
        if (!inside(row)) continue;
        const auto difference = tile.values[row][column] - middle;
        sum += difference;
        square += difference * difference;
        ++count;
      }
      const double shift = static_cast<double>(middle), moved = static_cast<double>(sum);
      tile.part[t.rank()] = {count * shift + moved, static_cast<double>(square) + shift * (2 * moved + count * shift)};
      t.sync();
      if (turn == 0 && channel < end_channel) {
        sums<2> total = tile.part[column];
        for (int i = 1; i < turns; ++i) total += tile.part[column + i * Tile::columns];
        partial[(first_row / rows + image) * channels + channel] = total;
      }
      t.sync();
    }
  }
};

/// Launches what writes y [N,P,Q,K] in tiles of Rows pixels: launch_tiles(tile_sums); then adds up sums [N,2,K], if anybody wants them.
/// `pixels` of an image, counted as tiles count them.
template <int Rows, GpuDevice Device, class Launch>
void with_tile_sums(context<Device>& ctx, std::string_view where, const shape& y, int pixels,
                    view_on<double, Device> totals, Launch&& launch_tiles) {
  if (totals.empty()) return launch_tiles(tile_sums{});
  require_sums(where, y, totals.shape());
  if (y.count() == 0) return launch_map(ctx, zeros{}, totals.size(), totals.data());
  tile_sums tiles{Rows, static_cast<int>(y[0]), pixels, static_cast<int>(y[3])};
  tensor<sums<2>, Device> partial(ctx, {counted(where, index_t{tiles.parts()} * tiles.channels)});
  tiles.partial = partial.data();
  launch_tiles(tiles);
  launch_column_totals<2>(ctx, tiles, tiles.images, tiles.channels, tiles.partial, totals.data());
}

}  // namespace aixcell::detail
