#pragma once
#include <algorithm>

#include <aixcell/core/shape.hpp>

namespace aixcell::detail {

// How convolution in float32 cuts its work and what it takes from the pool for that: arithmetic that the CPU's twins
// work by and the dry twins count by.

/// Input that lies in the second-level cache beside the filter block.
inline constexpr index_t band_bytes = 256 * 1024;

/// Output channels in blocks of two registers, the last one of one or two.
struct channel_blocks {
  index_t channels;
  int lanes;

  index_t count() const { return (channels + 2 * lanes - 1) / (2 * lanes); }
  index_t first(index_t b) const { return b * 2 * lanes; }
  int valid(index_t b) const { return static_cast<int>(std::min<index_t>(2 * lanes, channels - first(b))); }
  int width(index_t b) const { return valid(b) > lanes ? 2 * lanes : lanes; }
  /// Block b of an array of `depth` values a channel starts at first(b) * depth.
  index_t padded() const { return first(count() - 1) + width(count() - 1); }
};

// Winograd's convolution F(4x4, 3x3): tiles of 4x4 outputs from 6x6 inputs, 36 products for the 144 of the definition.

inline constexpr index_t winograd_edge = 4, winograd_points = 36;
/// With fewer, transforming the filter costs more than it saves.
inline constexpr index_t winograd_least_tiles = 16;

/// Whether the filter gradient of that many channels is worth transforming: whole registers, and rows that hide what
/// transforms cost. Measured at 256x256 on AVX-512 and AVX2: 16 channels to 16, 1.3 times as fast as directly; 48 to 16, 1.8.
constexpr bool winograd_fits_gradient(index_t outputs, index_t channels, index_t tap_rows, index_t tap_columns,
                                      index_t stride, int lanes) {
  return tap_rows == 3 && tap_columns == 3 && stride == 1 && channels % lanes == 0 && outputs % lanes == 0 &&
         channels >= 16 && outputs >= 16;
}
/// The same of a correlation, either way: 16 channels to 16 are a tenth slower than directly, 32 to 16 a tenth faster, 48 to 16
/// 1.3 to 1.4 times as fast.
constexpr bool winograd_fits_filter(index_t outputs, index_t channels, index_t tap_rows, index_t tap_columns,
                                    index_t stride, int lanes) {
  return winograd_fits_gradient(outputs, channels, tap_rows, tap_columns, stride, lanes) && channels * outputs >= 512;
}
/// Whether a filter that stays prepared does so transformed, four times as large: the largest would cost more time to read
/// on small images than their products take.
constexpr bool winograd_filter_stays(index_t outputs, index_t channels) { return channels * outputs < index_t{1} << 18; }

/// How the tiles of images [images,height,width] are taken in turn: `chunk` at once, in rows of `step` values for each of the
/// 36 points. A filter that leaves room in the second-level cache stays there, and every task has a chunk to itself; else
/// the tasks of a chunk share its input and take blocks of the filter, in `parts` of the chunk.
struct winograd_cut {
  index_t down, across, tiles;
  bool own_chunks;
  index_t chunk, step, chunks;
  index_t parts, part, products_step;

  bool worth_it() const { return tiles >= winograd_least_tiles; }
};

inline winograd_cut cut_winograd(index_t images, index_t height, index_t width, index_t channels,
                                 const channel_blocks& blocks) {
  constexpr index_t element = static_cast<index_t>(sizeof(float)), whole_tiles = 48;
  winograd_cut cut{};
  cut.down = (height + winograd_edge - 1) / winograd_edge;
  cut.across = (width + winograd_edge - 1) / winograd_edge;
  cut.tiles = images * cut.down * cut.across;
  cut.own_chunks = winograd_points * channels * blocks.padded() * element <= 4 * band_bytes;
  const index_t tile_bytes = winograd_points * channels * element;
  const index_t room = (cut.own_chunks ? 2 : 24) * band_bytes / tile_bytes / whole_tiles * whole_tiles;
  cut.chunk = std::min(cut.tiles, std::max(room, whole_tiles));
  cut.chunks = cut.tiles > 0 ? (cut.tiles + cut.chunk - 1) / cut.chunk : 0;
  cut.step = cut.chunk * channels + blocks.lanes;  // rows start in different cache sets
  cut.parts = cut.own_chunks ? 1 : std::clamp<index_t>(16 / blocks.count(), 1, (cut.chunk + whole_tiles - 1) / whole_tiles);
  cut.part = std::min(cut.chunk, whole_tiles);
  cut.products_step = cut.part * 2 * blocks.lanes + blocks.lanes;
  return cut;
}

/// The same for the filter gradient. Where all sums leave room in the second-level cache, every one of `shares` of the
/// chunks has sums of its own, which are added in order; else the tasks of a chunk share its values and take points.
struct winograd_gradient_cut {
  winograd_cut tiles;
  index_t shares, chunk, chunks, x_step, dy_step;
};

inline winograd_gradient_cut cut_winograd_gradient(const shape& dy, index_t channels, const channel_blocks& blocks) {
  constexpr index_t element = static_cast<index_t>(sizeof(float)), whole_tiles = 48;
  winograd_gradient_cut cut{cut_winograd(dy[0], dy[1], dy[2], channels, blocks), 1, 1, 0, 0, 0};
  const index_t tile_bytes = winograd_points * (channels + blocks.channels) * element;
  const index_t room = (cut.tiles.own_chunks ? 2 : 24) * band_bytes / tile_bytes / whole_tiles * whole_tiles;
  cut.chunk = std::min(std::max<index_t>(cut.tiles.tiles, 1), std::max(room, whole_tiles));
  cut.chunks = (cut.tiles.tiles + cut.chunk - 1) / cut.chunk;
  if (cut.tiles.own_chunks) cut.shares = std::clamp<index_t>(cut.chunks, 1, 16);
  cut.x_step = cut.chunk * channels + blocks.lanes;
  cut.dy_step = cut.chunk * blocks.channels + blocks.lanes;
  return cut;
}

/// Neighbouring groups that are merged into one dense filter until their outputs fill a register.
constexpr index_t merged_groups(index_t outputs_of_group, index_t groups) {
  return std::clamp<index_t>(16 / std::max<index_t>(1, outputs_of_group), 1, groups);
}

/// Bands of rows of dy, and how many shares of them add into a partial gradient of their own. Where channels are few, tap
/// columns count as channels too, of copies of bands with their padding: `copied_rows` rows of `copied_columns` pixels.
struct filter_gradient_cut {
  index_t band_rows, bands, shares;
  bool by_rows_of_taps;
  index_t copied_rows, copied_columns;
};

/// For images x [N,H,W,..] and dy [N,H',W',..], of which `inputs` and `blocks.channels` channels take part.
inline filter_gradient_cut cut_filter_gradient(const shape& x, const shape& dy, index_t inputs, index_t tap_rows,
                                               index_t tap_columns, int stride, int dilation,
                                               const channel_blocks& blocks) {
  const index_t row_bytes = (x[2] * inputs * stride + dy[2] * 2 * blocks.lanes) * static_cast<index_t>(sizeof(float));
  const index_t band_rows = std::clamp<index_t>(2 * band_bytes / row_bytes, 1, dy[1]);
  const index_t bands = x[0] * ((dy[1] + band_rows - 1) / band_rows);
  return {.band_rows = band_rows,
          .bands = bands,
          .shares = std::clamp<index_t>(16 / blocks.count(), 1, bands),
          .by_rows_of_taps = inputs < 12 && tap_columns > 1 && dilation == 1,
          .copied_rows = (band_rows - 1) * stride + tap_rows,
          .copied_columns = (dy[2] - 1) * stride + tap_columns};
}

// The matrix unit: tiles of 16 pixels or channels by 32 values of a window.

inline constexpr int matrix_lanes = 16, matrix_depth = 32;

/// Tiles that a tap row of `window` values fills.
constexpr index_t matrix_chunks(index_t window) { return (window + matrix_depth - 1) / matrix_depth; }

/// Bands of output rows, groups of blocks of output channels, the padded width of a band of input, and values behind it
/// that the last tiles read besides; `copied` values in all. Groups share the copies of `chunk` bands. The rows of a copy lie
/// in `planes`, by their number modulo the stride, so that a row of outputs is a row further in each.
struct matrix_cut {
  index_t columns, band_rows, bands, groups, overhang, copied, chunk, planes, taps_of_plane;

  /// Rows of a plane that `rows` rows of outputs read.
  index_t plane_rows(index_t rows) const { return rows - 1 + taps_of_plane; }
};

/// For outputs [images,height,width] under filters of tap_rows * tap_columns * channels values.
inline matrix_cut cut_matrix_run(index_t images, index_t height, index_t width, index_t channels, index_t tap_rows,
                                 index_t tap_columns, index_t stride, const channel_blocks& blocks) {
  constexpr index_t element = 2, tasks = 16;
  matrix_cut cut{};
  cut.columns = (width - 1 + std::max<index_t>(1, (tap_columns + stride - 1) / stride)) * stride;
  cut.planes = std::clamp<index_t>(tap_rows, 1, stride);
  cut.taps_of_plane = std::max<index_t>(1, (tap_rows + stride - 1) / stride);
  const index_t row_bytes = std::max<index_t>(1, cut.columns * channels * stride * element);
  const index_t filter_bytes = blocks.padded() * tap_rows * tap_columns * channels * element;
  cut.groups = std::clamp<index_t>(filter_bytes / (2 * band_bytes), 1, blocks.count());
  const index_t share = std::max<index_t>(1, images * height * cut.groups / tasks);
  cut.band_rows = std::clamp<index_t>(std::min(share, 2 * band_bytes / row_bytes), 1, height);
  cut.bands = (height + cut.band_rows - 1) / cut.band_rows;
  cut.overhang = 4 * matrix_lanes * stride * channels + matrix_depth;
  cut.copied = cut.planes * cut.plane_rows(cut.band_rows) * cut.columns * channels + cut.overhang;
  cut.chunk =
      cut.groups == 1 ? 1 : std::clamp<index_t>(16 * band_bytes / (element * cut.copied), 1, images * cut.bands);
  return cut;
}

constexpr index_t matrix_tiles(index_t channels) { return (channels + matrix_lanes - 1) / matrix_lanes; }

/// How the matrix unit's filter gradient is shared out. Of a small filter, `shares` of the bands add into a partial gradient
/// of their own; of a large one, all tasks share the values of `chunk` bands, and take pairs of blocks of its channels.
/// A band is some rows of an
/// image, or several small images one after another; every row takes `pitch` positions, every image `rows_of_image` rows,
/// so that the taps of both x and dy are at the same offsets. Steps and the padded copy of a band are in values.
struct matrix_gradient_cut {
  index_t pitch, rows_of_image;
  index_t band_rows, band_images, bands, shares, chunk;
  index_t x_step, dy_step, copied;

  bool own_bands() const { return shares > 1; }
  /// Bands that the rows of an image are cut into.
  index_t bands_of_image(index_t rows) const { return (rows + band_rows - 1) / band_rows; }
};

inline matrix_gradient_cut cut_matrix_gradient(const shape& x, const shape& dy, const shape& filter, index_t stride,
                                               index_t dilation) {
  constexpr index_t tasks = 16, element = 2, depth = matrix_depth, fewest_positions = 1024;
  const auto span = [&](index_t taps) { return ((taps - 1) * dilation + stride) / stride; };
  const auto part = [](index_t all, index_t most) {  // parts of about the same size
    const index_t parts = (all + most - 1) / most;
    return (all + parts - 1) / parts;
  };
  matrix_gradient_cut cut{};
  cut.pitch = dy[2] + span(filter[2]) - 1;
  const index_t wanted = std::max(fewest_positions, 2 * band_bytes / (element * (x[3] + dy[3])));
  cut.band_rows = part(dy[1], std::clamp<index_t>(wanted / cut.pitch, 1, dy[1]));
  cut.rows_of_image = cut.band_rows + span(filter[1]) - 1;
  cut.band_images =
      cut.band_rows < dy[1] ? 1 : part(x[0], std::clamp<index_t>(wanted / (cut.rows_of_image * cut.pitch), 1, x[0]));
  cut.bands = (x[0] + cut.band_images - 1) / cut.band_images * cut.bands_of_image(dy[1]);
  const index_t filter_bytes = filter.count() * static_cast<index_t>(sizeof(float));
  const index_t shares = std::min({tasks, cut.bands, 8 * band_bytes / filter_bytes});
  cut.shares = shares < tasks / 2 ? 1 : shares;
  const index_t positions = matrix_chunks(cut.band_images * cut.rows_of_image * cut.pitch) * depth;
  const index_t x_positions = positions + matrix_chunks(span(filter[2]) + depth) * depth;
  cut.x_step = x_positions % (2 * depth) == 0 ? x_positions + depth : x_positions;  // rows start in different cache sets
  cut.dy_step = positions * matrix_lanes;
  cut.copied = std::max(positions * dy[3], x_positions * x[3]);
  const index_t bytes_of_band = element * matrix_lanes * (matrix_tiles(x[3]) * cut.x_step + matrix_tiles(dy[3]) * positions);
  cut.chunk = cut.own_bands() ? 1 : std::clamp<index_t>(16 * band_bytes / bytes_of_band, 1, cut.bands);
  return cut;
}

/// Shares of the rows of dy that add into a partial gradient of their own.
inline index_t depthwise_shares(const shape& dy) { return std::clamp<index_t>(dy[0] * dy[1] / 4, 1, 16); }

}  // namespace aixcell::detail
