#pragma once
#include <aixcell/kernels/gpu/detail/conv2d_extents.hpp>

namespace aixcell::detail {

/// Which pixels of an image a product writes: those at down + i * step, right + j * step of [height,width]. `step` 1: all.
struct written_pixels {
  int step = 1, down = 0, right = 0, height = 0, width = 0;
};

/// What a convolution on tensor cores multiplies: the pixels of y by filters [K,R,S,C].
template <class Operand>
struct dense_product {
  conv2d_extents e;
  int top, left;  // rows and columns of zeros before the image; below 0: of the image that no tap reaches
  written_pixels written;
  const Operand *x, *filter;

  constexpr int first_value_of(int pixel) const {
    if (pixel < 0 || pixel >= e.pixels()) return -1;
    if (written.step == 1) return pixel * e.outputs;
    const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
    return ((n * written.height + written.down + p * written.step) * written.width + written.right + q * written.step) *
           e.outputs;
  }
};

/// Copies of what a block multiplies, tiles [Rows,Depth] of pixels and [Columns,Depth] of filters, whose depth is (r,
/// s, c): a thread copies 16 bytes of depth, which lie in one tap, of every row_step-th pixel and filter.
template <class Operand, int Rows, int Columns, int Depth, int Threads>
struct dense_copies {
  static constexpr int piece = 16 / static_cast<int>(sizeof(Operand)), chunks = Depth / piece,
                       row_step = Threads / chunks;
  int first_filter, chunk, row;  // of the block; its piece of depth, and its first row of both tiles
  int image[Rows / row_step] = {},
                   corner[Rows / row_step] = {};  // first value of the image; cell of tap (0,0), 16 bits an edge

  constexpr dense_copies(auto t, const dense_product<Operand>& of, int first_row, int first_column)
      : first_filter(first_column), chunk(t.rank() % chunks * piece), row(t.rank() / chunks) {
    const conv2d_extents& e = of.e;
    const int pixels = e.pixels();
    for (int i = 0; i < Rows / row_step; ++i) {
      const int pixel = first_row + row + i * row_step;
      const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
      image[i] = pixel < pixels ? n * e.x.height * e.x.width * e.x.channels : -1;
      corner[i] = (p * e.stride - of.top) * 65536 + (q * e.stride - of.left + 32768);
    }
  }
  /// Starts copies of step number `step` of depth to left_at(row, k) and right_at(row, k), zeros outside.
  constexpr void fetch(auto t, const dense_product<Operand>& of, int step, auto&& left_at, auto&& right_at) const {
    const conv2d_extents& e = of.e;
    const int reach = e.reach(), k = step * Depth + chunk, tap = k / e.inputs, c = k % e.inputs;
    const int down = tap / e.taps_right * e.dilation, right = tap % e.taps_right * e.dilation;
    for (int i = 0; i < Rows / row_step; ++i) {
      const int h = (corner[i] >> 16) + down, w = (corner[i] & 65535) - 32768 + right;
      const bool inside = k < reach && image[i] >= 0 && h >= 0 && h < e.x.height && w >= 0 && w < e.x.width;
      t.copy_async16(left_at(row + i * row_step, chunk),
                     inside ? of.x + image[i] + (h * e.x.width + w) * e.x.channels + c : of.x, inside ? 16 : 0);
    }
    for (int i = 0; i < Columns / row_step; ++i) {
      const int filter_index = first_filter + row + i * row_step;
      const bool inside = k < reach && filter_index < e.outputs;
      t.copy_async16(right_at(row + i * row_step, chunk), inside ? of.filter + filter_index * reach + k : of.filter,
                     inside ? 16 : 0);
    }
  }
};

}  // namespace aixcell::detail
