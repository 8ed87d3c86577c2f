#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/kernels/cpu/reflected.hpp>

namespace aixcell {

/// A part of an image, in pixels.
struct rectangle {
  index_t top = 0, left = 0, height = 0, width = 0;
  friend bool operator==(const rectangle&, const rectangle&) = default;
};

struct tile_options {
  index_t tile = 256;    ///< edge of a tile
  index_t overlap = 64;  ///< least overlap of neighbours, 0 <= overlap < tile
};

namespace detail {

/// Starts of tiles of length min(tile, extent) that cover [0, extent); the last is shifted back to end at `extent`.
inline std::vector<index_t> tile_starts(index_t extent, tile_options options) {
  std::vector<index_t> starts{0};
  while (starts.back() + options.tile < extent)
    starts.push_back(std::min(starts.back() + options.tile - options.overlap, extent - options.tile));
  return starts;
}

}  // namespace detail

/// Overlapping tiles that cover an image of any size, row by row, all inside the image and of one size; an image
/// smaller than a tile in a direction has one tile of its own extent there.
/// Throws shape_error on an empty image or an overlap outside [0, tile).
inline std::vector<rectangle> tile_grid(index_t height, index_t width, tile_options options = {}) {
  if (height <= 0 || width <= 0) throw shape_error("tile_grid: the image is empty; give at least one pixel");
  if (options.overlap < 0 || options.overlap >= options.tile)
    throw shape_error("tile_grid: overlap " + std::to_string(options.overlap) +
                      " must be at least 0 and less than the tile, " + std::to_string(options.tile));
  std::vector<rectangle> tiles;
  for (const index_t top : detail::tile_starts(height, options))
    for (const index_t left : detail::tile_starts(width, options))
      tiles.push_back({top, left, std::min(options.tile, height), std::min(options.tile, width)});
  return tiles;
}

/// Weights [H,W] with which overlapping tiles are averaged: 1 inside, falling over `overlap` pixels towards each edge
/// as a raised cosine, so that regularly spaced tiles sum to 1 and seams do not show; never 0.
inline tensor<float> blend_weights(index_t height, index_t width, index_t overlap) {
  const auto ramp = [overlap](index_t i, index_t extent) {
    const index_t edge = std::min(i, extent - 1 - i), length = std::min(overlap, extent / 2);
    if (edge >= length) return 1.0;
    const double s = std::sin(std::numbers::pi / 2 * (static_cast<double>(edge) + 0.5) / static_cast<double>(length));
    return std::max(1e-3, s * s);
  };
  tensor<float> weights({height, width});
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) weights(y, x) = static_cast<float>(ramp(y, height) * ramp(x, width));
  return weights;
}

/// The part of an image [H,W,C] or label map [H,W] in `where`, which may reach beyond it: outside, the content is
/// mirrored (see detail::reflected). Throws shape_error on an empty source or an empty rectangle.
template <class T>
tensor<std::remove_const_t<T>> crop_reflected(view<T, cpu> source, const rectangle& where) {
  const shape& s = source.shape();
  if (source.empty() || s.rank() < 2 || s.rank() > 3 || where.height <= 0 || where.width <= 0)
    throw shape_error("crop_reflected: expected an image [H,W,C] or map [H,W] and a part with pixels, found " +
                      to_string(s));
  const index_t channels = s.rank() == 3 ? s[2] : 1;
  tensor<std::remove_const_t<T>> part(s.rank() == 3 ? shape{where.height, where.width, channels}
                                                    : shape{where.height, where.width});
  auto* out = part.data();
  for (index_t y = 0; y < where.height; ++y) {
    const auto* row = source.data() + detail::reflected(where.top + y, s[0]) * s[1] * channels;
    for (index_t x = 0; x < where.width; ++x, out += channels)
      std::copy_n(row + detail::reflected(where.left + x, s[1]) * channels, channels, out);
  }
  return part;
}

template <class T>
tensor<T> crop_reflected(const tensor<T>& source, const rectangle& where) {
  return crop_reflected(source.as_view(), where);
}

}  // namespace aixcell
