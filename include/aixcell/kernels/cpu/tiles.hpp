#pragma once
#include <algorithm>
#include <cstdint>

#include <aixcell/core/context.hpp>
#include <aixcell/kernels/cpu/reflected.hpp>
#include <aixcell/kernels/tiles.hpp>

namespace aixcell {

// kernels/tiles.hpp says what these do.

inline void cut_reflected(context<cpu>&, view<const float, cpu> image, index_t top, index_t left,
                          view<float, cpu> tile) {
  detail::require_tile("cut_reflected", image.shape(), tile.shape());
  const index_t channels = image.extent(2);
  float* to = tile.data();
  for (index_t y = 0; y < tile.extent(0); ++y) {
    const float* const row = image.slice(detail::reflected(top + y, image.extent(0))).data();
    for (index_t x = 0; x < tile.extent(1); ++x, to += channels)
      std::copy_n(row + detail::reflected(left + x, image.extent(1)) * channels, channels, to);
  }
}

inline void mirror_image(context<cpu>&, view<const float, cpu> image, mirrored_axes axes, view<float, cpu> out) {
  require_rank("mirror_image", 3, "an image [H,W,C]", image.shape());
  require_equal_shapes("mirror_image", image, out);
  const index_t rows = image.extent(0), columns = image.extent(1), channels = image.extent(2);
  float* to = out.data();
  for (index_t y = 0; y < rows; ++y) {
    const float* const row = image.slice(axes.vertical ? rows - 1 - y : y).data();
    for (index_t x = 0; x < columns; ++x, to += channels)
      std::copy_n(row + (axes.horizontal ? columns - 1 - x : x) * channels, channels, to);
  }
}

inline void add_mirrored(context<cpu>&, view<const float, cpu> map, mirrored_axes axes,
                         view<const std::int32_t, cpu> order, view<float, cpu> sum) {
  require_rank("add_mirrored", 3, "a map [H,W,K]", map.shape());
  require_equal_shapes("add_mirrored", map, sum);
  require_shape("add_mirrored", {map.extent(2)}, order.shape());
  const index_t rows = map.extent(0), columns = map.extent(1), channels = map.extent(2);
  float* to = sum.data();
  for (index_t y = 0; y < rows; ++y)
    for (index_t x = 0; x < columns; ++x, to += channels) {
      const float* const from =
          map.data() +
          ((axes.vertical ? rows - 1 - y : y) * columns + (axes.horizontal ? columns - 1 - x : x)) * channels;
      for (index_t c = 0; c < channels; ++c) to[c] += order[c] < 0 ? -from[-order[c] - 1] : from[order[c] - 1];
    }
}

inline void add_tile(context<cpu>&, view<const float, cpu> tile, view<const float, cpu> blend, index_t top,
                     index_t left, view<float, cpu> sum, view<float, cpu> weights) {
  detail::require_blend(tile.shape(), blend.shape(), top, left, sum.shape(), weights.shape());
  const index_t height = tile.extent(0), width = tile.extent(1), channels = tile.extent(2), pitch = sum.extent(1);
  for (index_t y = 0; y < height; ++y)
    for (index_t x = 0; x < width; ++x) {
      const float w = blend[y * width + x];
      const index_t at = (top + y) * pitch + left + x;
      weights[at] += w;
      const float* const from = tile.data() + (y * width + x) * channels;
      float* const to = sum.data() + at * channels;
      for (index_t c = 0; c < channels; ++c) to[c] += w * from[c];
    }
}

inline void divide_by_weights(context<cpu>&, view<const float, cpu> weights, view<float, cpu> sum) {
  detail::require_weights(sum.shape(), weights.shape());
  const index_t channels = sum.extent(2);
  for (index_t p = 0; p < weights.size(); ++p)
    for (index_t c = 0; c < channels; ++c) sum[p * channels + c] /= weights[p];
}

inline void scale_values(context<cpu>&, float factor, view<float, cpu> x) {
  for (float& v : x) v *= factor;
}

}  // namespace aixcell
