#pragma once
#include <array>
#include <functional>
#include <type_traits>

#include <aixcell/data/tiles.hpp>
#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/tiles.hpp>
#include <aixcell/pipeline/predict_options.hpp>

namespace aixcell {

// Written once for every device; whoever instantiates it includes the twins of kernels/tiles.hpp before.

/// Gives the channels of a mirrored map the meaning they have in the image that was not: see `order` in kernels/tiles.hpp.
using channel_order = std::function<tensor<std::int32_t>(mirrored_axes, index_t channels)>;

namespace detail {

/// Zeros that live as long as an image is predicted: of the heap on the processor, whose pool would keep them.
template <class Device>
tensor<float, Device> cleared_map(context<Device>& ctx, const shape& extents) {
  if constexpr (std::is_same_v<Device, cpu>)
    return tensor<float>(extents);
  else
    return tensor<float, Device>::zeros(ctx, extents);
}

/// The network's output for one tile [h,w,C], averaged over mirror images if asked. Those of small tiles are one batch: the
/// network's weights are what costs time there.
template <class Device, class Forward>
tensor<float, Device> output_of_tile(context<Device>& ctx, const tensor<float, Device>& tile,
                                     const predict_options& options, const Forward& forward,
                                     const channel_order& order) {
  const shape s = tile.shape();
  if (!options.mirrored) {
    const tensor<float, Device> dense = forward(tile.reshaped({1, s[0], s[1], s[2]}));
    return dense.reshaped({dense.extent(1), dense.extent(2), dense.extent(3)});
  }
  constexpr std::array<mirrored_axes, 4> turns{{{false, false}, {true, false}, {false, true}, {true, true}}};
  const std::size_t at_once = s[0] * s[1] <= 1 << 14 ? turns.size() : 1;
  tensor<float, Device> sum;
  for (std::size_t first = 0; first < turns.size(); first += at_once) {
    tensor<float, Device> turned(ctx, {static_cast<index_t>(at_once), s[0], s[1], s[2]});
    for (std::size_t k = 0; k < at_once; ++k)
      mirror_image(ctx, tile, turns[first + k], turned.slice(static_cast<index_t>(k)));
    const tensor<float, Device> dense = forward(turned);
    if (sum.empty()) sum = cleared_map(ctx, {dense.extent(1), dense.extent(2), dense.extent(3)});
    for (std::size_t k = 0; k < at_once; ++k) {
      const auto back = to_device(ctx, order(turns[first + k], dense.extent(3)));
      add_mirrored(ctx, dense.slice(static_cast<index_t>(k)), turns[first + k], back, sum);
    }
  }
  scale_values(ctx, 0.25f, sum);
  return sum;
}

}  // namespace detail

/// The output [H,W,K] of a network for an image [H,W,C] of any size: tile by tile, each weighted by a smooth window so that no
/// seam shows. Memory grows with the tile, not with the image, but for the result. A network that pools gives [1,1,K]: the
/// mean over the tiles. `forward` takes [N,h,w,C].
template <class Device, class Forward>
tensor<float, Device> tiled_output(context<Device>& ctx, const tensor<float, Device>& pixels,
                                   const predict_options& options, const Forward& forward, const channel_order& order) {
  const index_t height = pixels.extent(0), width = pixels.extent(1);
  if (height <= options.tile && width <= options.tile)
    return detail::output_of_tile(ctx, pixels, options, forward, order);
  tensor<float, Device> sum, weights, blend;
  for (const rectangle& r : tile_grid(height, width, {.tile = options.tile, .overlap = options.overlap})) {
    tensor<float, Device> tile(ctx, {r.height, r.width, pixels.extent(2)});
    cut_reflected(ctx, pixels, r.top, r.left, tile);
    const tensor<float, Device> dense = detail::output_of_tile(ctx, tile, options, forward, order);
    const index_t rows = dense.extent(0), columns = dense.extent(1), channels = dense.extent(2);
    const bool pooled = rows < r.height || columns < r.width;
    if (sum.empty()) {
      sum = detail::cleared_map(ctx, pooled ? dense.shape() : shape{height, width, channels});
      weights = detail::cleared_map(ctx, {sum.extent(0), sum.extent(1)});
      blend = to_device(ctx, blend_weights(rows, columns, pooled ? 0 : options.overlap));
    }
    add_tile(ctx, dense, blend, pooled ? 0 : r.top, pooled ? 0 : r.left, sum, weights);
  }
  divide_by_weights(ctx, weights, sum);
  return sum;
}

}  // namespace aixcell
