#pragma once
#include <string_view>

#include <aixcell/core/shape.hpp>

namespace aixcell {

// What a large image is predicted with: parts of it, mirrored or not, and their outputs put together. float32; the twins are in
// cpu/tiles.hpp and gpu/tiles.hpp, the same bits but for fused multiply-adds.
//
//   cut_reflected(ctx, image [H,W,C], top, left, tile [h,w,C])   the part of the image at (top, left); beyond the image, its
//                                                                content mirrored (see detail::reflected)
//   mirror_image(ctx, image [H,W,C], axes, out)                  rows and/or columns in reverse order; out is another image
//   add_mirrored(ctx, map [H,W,K], axes, order [K], sum)         sum += the map mirrored back: channel c is channel
//                                                                |order[c]| - 1 of the map, with the sign of order[c]
//   add_tile(ctx, tile [h,w,K], blend [h,w], top, left, sum [H,W,K], weights [H,W])
//                                                                sum += blend times tile at (top, left), weights += blend
//   divide_by_weights(ctx, weights [H,W], sum [H,W,K])           sum /= weights
//   scale_values(ctx, factor, x)                                 x *= factor

/// Which directions of an image are in reverse order.
struct mirrored_axes {
  bool horizontal = false, vertical = false;
};

namespace detail {

inline void require_tile(std::string_view where, const shape& image, const shape& tile) {
  require_rank(where, 3, "an image [H,W,C]", image);
  require_rank(where, 3, "a tile [h,w,C]", tile);
  if (image.count() == 0) throw_wrong_rank(where, "an image with a pixel", image);
  if (tile[2] != image[2]) throw_wrong_rank(where, "a tile of the image's channels", tile);
}

inline void require_weights(const shape& sum, const shape& weights) {
  require_rank("divide_by_weights", 3, "a sum [H,W,K]", sum);
  if (weights != shape{sum[0], sum[1]}) throw_wrong_rank("divide_by_weights", "a weight for each pixel", weights);
}

inline void require_blend(const shape& tile, const shape& blend, index_t top, index_t left, const shape& sum,
                          const shape& weights) {
  require_tile("add_tile", sum, tile);
  require_weights(sum, weights);
  if (blend != shape{tile[0], tile[1]}) throw_wrong_rank("add_tile", "a blend for each pixel", blend);
  if (top < 0 || left < 0 || top + tile[0] > sum[0] || left + tile[1] > sum[1])
    throw_wrong_rank("add_tile", "a tile inside the sum", tile);
}

}  // namespace detail
}  // namespace aixcell
