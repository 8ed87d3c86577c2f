#pragma once
#include <cstddef>
#include <cstdint>

namespace aixcell::detail {

// Convolution of bfloat16 on the matrix unit of x86 processors (AMX): eight tile registers of 16 rows of 64 bytes; one
// instruction adds the product of 16 rows of 32 values with 32 rows (as 16 rows of pairs) of 16 values to 16x16 floats.
// Everything here works on raw bits (std::uint16_t) and nothing of std, as in loops.hpp.

/// Neighbouring output positions under one block of output channels. Position p is pixel (p / pitch, p % pitch) of y, and
/// exists if its column is less than `width`; the others are computed and dropped, so that tiles run across row ends.
///   y[p, k] = act(scale[k] * sum over r, u of x[row(r) + p * x_pixel_step + u] * filter[r, u, k] + bias[k] + residual[p, k])
///   row(r) = r % planes * x_plane_step + r / planes * x_row_step
struct matrix_run {
  const std::uint16_t* x;  // readable to 32 values beyond the last window of the last tile; finite where filters are zero
  std::ptrdiff_t x_plane_step, x_row_step, x_pixel_step;
  int planes;                   // of rows of x: with a stride, rows are sorted by the rest of their number
  int tap_rows, chunks;         // a tap row is chunks * 32 values
  const std::uint16_t* filter;  // [tap_rows, chunks, blocks, 16 pairs, 16 outputs, 2], outputs beyond `channels` zero
  const float *scale, *bias;    // [16 * blocks]
  int blocks;                   // of 16 outputs: 1 or 2
  int channels;                 // of them, that exist in y
  std::ptrdiff_t positions, pitch, width;
  std::uint16_t* y;
  std::ptrdiff_t y_row_step, y_pixel_step;
  const std::uint16_t* residual;  // steps as y, or null
  bool relu;
};

/// Taps of the filter gradient on a grid, for up to 32 channels of x and 32 outputs:
///   sums[tap, c, k] (+)= sum over positions of x[c, position + offset of the tap] * dy[position, k].
struct matrix_outer {
  const std::uint16_t* x;      // [channels][positions], a row every x_step values
  std::ptrdiff_t x_step;
  const std::uint16_t* dy;     // [blocks of 16 outputs][pairs of positions][16][2], a block every dy_step values
  std::ptrdiff_t dy_step;
  int x_blocks, dy_blocks;     // of 16: 1 or 2 each
  std::ptrdiff_t chunks;       // of 32 positions
  int tap_rows, tap_columns;
  std::ptrdiff_t x_tap_row_step, x_tap_column_step;
  bool fresh;                  // sums hold nothing yet
  float* sums;                 // tiles [16 channels][16 outputs]; the next of x after x_tile_step, of dy after the tile
  std::ptrdiff_t x_tile_step, sums_tap_row_step, sums_tap_column_step;
};

/// The loops of the matrix unit.
struct matrix_unit {
  void (*correlate)(const matrix_run&);
  void (*accumulate_outer)(const matrix_outer&);
  void (*to_pairs)(const std::uint16_t* x, std::ptrdiff_t step, int channels, std::ptrdiff_t chunks, std::uint16_t* to);
  void (*to_rows)(const std::uint16_t* x, std::ptrdiff_t step, int channels, std::ptrdiff_t chunks, std::uint16_t* to,
                  std::ptrdiff_t to_step);
  void (*pack_outputs)(const float* filter, std::ptrdiff_t step, int outputs, int values, std::uint16_t* to);
  void (*pack_inputs)(const float* filter, std::ptrdiff_t step, int outputs, int first, int values, std::uint16_t* to);
  void (*add_tile)(const float* tiles, int count, std::ptrdiff_t step, float* to, std::ptrdiff_t to_step, int rows,
                   int columns);
};

}  // namespace aixcell::detail
