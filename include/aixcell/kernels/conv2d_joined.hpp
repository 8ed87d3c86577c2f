#pragma once
#include <span>

#include <aixcell/kernels/conv2d.hpp>

namespace aixcell {

/// Images [N,H,W,C] in parts that lie apart: the channels of each behind those of the one before, as concatenate_channels would
/// put them. A part is [N,H,W,Ci] or, doubled, [N,ceil(H/2),ceil(W/2),Ci], each pixel of which stands for 2x2 as nearest
/// neighbours do.
template <class Element, class Device>
struct joined_views {
  std::span<const view<Element, Device>> parts;
  index_t height, width;

  shape whole() const {
    index_t channels = 0;
    for (const auto& part : parts) channels += part.extent(3);
    return {parts.empty() ? 0 : parts[0].extent(0), height, width, channels};
  }
  bool doubled(const view<Element, Device>& part) const { return part.extent(1) != height || part.extent(2) != width; }
};

namespace detail {
/// Throws shape_error unless the parts are images that fit each other.
template <class Element, class Device>
void require_parts(std::string_view where, const joined_views<Element, Device>& x) {
  for (const auto& part : x.parts) {
    require_rank(where, 4, "a part [N,H,W,C] of joined images", part.shape());
    const bool half = x.doubled(part);
    require_shape(where,
                  {x.parts[0].extent(0), half ? (x.height + 1) / 2 : x.height, half ? (x.width + 1) / 2 : x.width,
                   part.extent(3)},
                  part.shape());
  }
}
}  // namespace detail

/// Whether there may be kernels for joined images; convolves_parts says of which ones.
template <class Real, class Device>
inline constexpr bool has_kernels_for_parts =
    std::is_same_v<Device, cpu> ? std::is_same_v<Real, float> || std::is_same_v<Real, bfloat16>
                                : std::is_same_v<Device, dry> && !std::is_same_v<Real, double>;

/// Whether the convolution of joined images, and its adjoints, take them as they lie: the processor where a part begins with a
/// block of channels, in float32 if 3x3 taps go by Winograd's algorithm, in bfloat16 on a matrix unit. A network that is recorded
/// joins them first.
template <class Real, class Device>
bool convolves_parts(const context<Device>& ctx, const joined_views<const Real, Device>& x, const shape& filter,
                     conv2d_geometry g) {
  if constexpr (has_kernels_for_parts<Real, Device>) {
    bool bf16 = std::is_same_v<Real, bfloat16>;
    if constexpr (std::is_same_v<Device, dry>) {
      if (ctx.records()) return false;
      bf16 = detail::stores_bfloat16<Real>(ctx);
    }
    if (g.dilation != 1 || x.parts.back().empty()) return false;
    const detail::channel_blocks blocks{filter[0], bf16 ? detail::matrix_lanes : detail::processor().lanes()};
    for (const auto& part : x.parts.first(x.parts.size() - 1))
      if (part.extent(3) % (2 * blocks.lanes) != 0) return false;
    if (bf16) return g.stride == 1 && detail::has_matrix_loops(g);
    const shape whole = x.whole();
    return g.groups == 1 && g.padding == 1 &&
           detail::winograd_fits_filter(filter[0], whole[3], filter[1], filter[2], g.stride, blocks.lanes) &&
           detail::cut_winograd(whole[0], whole[1], whole[2], whole[3], blocks).tiles >=
               2 * detail::winograd_least_tiles;
  } else {
    return false;
  }
}

// Convolution of joined images and its adjoints, where convolves_parts says so; else not_available.
//
//   conv2d                 as of the images that concatenate_channels makes of upsampled parts
//   conv2d_backward_data   dx in parts that are all [N,H,W,Ci]: none is doubled
//   conv2d_backward_filter as of those images

namespace detail {
template <class Real, class Device>
void require_convolvable(std::string_view where, const context<Device>& ctx, const joined_views<const Real, Device>& x,
                         const shape& filter, conv2d_geometry g, const shape& y) {
  require_parts(where, x);
  require_conv2d_shapes(where, x.whole(), filter, g, y);
  if (!convolves_parts<Real>(ctx, x, filter, g))
    throw not_available(std::string(where) + ": images in parts under filters " + to_string(filter) +
                        "; ask convolves_parts first, and join them where it says no");
}
}  // namespace detail

template <class Real>
void conv2d(context<dry>& ctx, const joined_views<const Real, dry>& x, view<const master_of<Real>, dry> filter, conv2d_geometry g,
            const conv2d_epilogue<Real, dry>&, view<Real, dry> y) {
  detail::require_convolvable<Real>("conv2d", ctx, x, filter.shape(), g, y.shape());
  detail::take_forward_workspace<Real>(ctx, x.whole(), filter.shape(), g, y.shape());
  ctx.spend(conv2d_cost(x.whole(), filter.shape(), y.shape(), detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void conv2d_backward_data(context<dry>& ctx, view<const Real, dry> dy, view<const master_of<Real>, dry> filter, conv2d_geometry g,
                          const joined_views<Real, dry>& dx) {
  detail::require_parts("conv2d_backward_data", dx);
  detail::require_conv2d_shapes("conv2d_backward_data", dx.whole(), filter.shape(), g, dy.shape());
  detail::take_backward_data_workspace<Real>(ctx, dx.whole(), filter.shape(), g, dy.shape());
  ctx.spend(conv2d_cost(dx.whole(), filter.shape(), dy.shape(), detail::stored_bytes<Real>(ctx)));
}

template <class Real>
void conv2d_backward_filter(context<dry>& ctx, const joined_views<const Real, dry>& x, view<const Real, dry> dy,
                            conv2d_geometry g, view<master_of<Real>, dry> dfilter) {
  detail::require_convolvable<Real>("conv2d_backward_filter", ctx, x, dfilter.shape(), g, dy.shape());
  detail::take_backward_filter_workspace<Real>(ctx, x.whole(), dy.shape(), dfilter.shape(), g);
  ctx.spend(conv2d_cost(x.whole(), dfilter.shape(), dy.shape(), detail::stored_bytes<Real>(ctx)));
}

}  // namespace aixcell
