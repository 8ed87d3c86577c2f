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

}  // namespace aixcell::detail
