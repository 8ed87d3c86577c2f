#pragma once
#include <aixcell/kernels/gpu/detail/batch_extents.hpp>

namespace aixcell::detail {

/// [N,P,Q] cut into tiles of 8 x 16 pixels, whose taps reach little more than themselves; a tile at an edge is partly outside.
struct pixel_tiles {
  static constexpr int down = 8, right = 16, pixels = down * right;
  batch_extents y;

  struct tile {
    int image, top, left;  // first pixel
  };
  constexpr int in_height() const { return (y.height + down - 1) / down; }
  constexpr int in_width() const { return (y.width + right - 1) / right; }
  constexpr int in_image() const { return in_height() * in_width(); }
  constexpr int count() const { return y.images * in_image(); }
  constexpr tile at(int i) const {
    return {i / in_image(), i % in_image() / in_width() * down, i % in_width() * right};
  }
  /// Of y, number i of a tile; below 0 outside.
  constexpr int pixel_of(const tile& b, int i) const {
    const int p = b.top + i / right, q = b.left + i % right;
    return p < y.height && q < y.width ? (b.image * y.height + p) * y.width + q : -1;
  }
};

}  // namespace aixcell::detail
