#pragma once
#include <concepts>
#include <type_traits>

#include <aixcell/kernels/gpu/convolution_library.hpp>
#include <aixcell/kernels/gpu/detail/any_convolution.hpp>
#include <aixcell/kernels/gpu/detail/few_channels.hpp>
#include <aixcell/kernels/gpu/detail/tensor_core_convolution.hpp>

namespace aixcell {

namespace detail {

// Who computes a convolution of ours, chosen by its shape and by how it is to be rounded:
//   few_channels.hpp               first layers: up to 7 channels
//   tensor_core_convolution.hpp    bfloat16, and float32 where precision::tf32 allows it: channels and filters in multiples of 16 bytes;
//                                  by wgmma (warpgroup_convolution.hpp) where the context multiplies so
//   any_convolution.hpp            everything else; images in bfloat16 are widened as they are read

/// Filters are trained in float32 and multiplied as images are stored.
template <class Real, GpuDevice Device>
auto stored_filter(context<Device>& ctx, view_on<const master_of<Real>, Device> filter) {
  if constexpr (std::is_same_v<Real, bfloat16>) {
    tensor<bfloat16, Device> stored(ctx, filter.shape());
    launch_map(ctx, same_value{}, filter.size(), stored.data(), filter.data());
    return stored;
  } else {
    return filter;
  }
}

/// Whether products may be rounded to what tensor cores multiply.
template <class Real, GpuDevice Device>
bool may_round(const context<Device>& ctx) {
  return std::is_same_v<Real, bfloat16> || (std::is_same_v<Real, float> && ctx.settings().precision == precision::tf32);
}

/// f(tile) with the tile that multiplies images of few channels.
template <class Real, GpuDevice Device>
void with_tile_of(const context<Device>& ctx, int outputs, auto&& f) {
  with_columns_for(outputs, [&](auto columns) {
    if constexpr (std::is_same_v<Real, float>)
      if (!may_round<Real>(ctx)) return f(float32_tile<columns()>{});
    f(tensor_core_tile<Real, columns()>{});
  });
}

template <class Real, GpuDevice Device>
void own_conv2d(context<Device>& ctx, view_on<const Real, Device> x, view_on<const master_of<Real>, Device> filter,
                conv2d_geometry g, const conv2d_epilogue<Real, std::type_identity_t<Device>>& e,
                view_on<Real, Device> y, view_on<double, Device> sums = {}) {
  if constexpr (!std::is_same_v<Real, double>) {
    constexpr std::string_view name = "conv2d";
    const bool few = few_channels::take(filter.shape(), g);
    if (few || (may_round<Real>(ctx) && has_tensor_cores<Real>(filter.shape(), g) && fits_tensor_cores(x.shape()))) {
      require_conv2d_shapes(name, x.shape(), filter.shape(), g, y.shape());
      const auto extents = conv2d_extents::of(name, x.shape(), filter.shape(), g, y.shape());
      const auto epilogue = epilogue_values<Real>::of(name, e, y.shape());
      if (few)
        return with_tile_of<Real>(ctx, extents.outputs, [&](auto tile) {
          launch_few_channels<decltype(tile)>(ctx, extents, epilogue, x.data(), filter.data(), y.data(), sums);
        });
      const auto stored = stored_filter<Real>(ctx, filter);
      return launch_tensor_cores<Real>(ctx, extents, epilogue, x.data(), stored.data(), y.data(), sums);
    }
  }
  conv2d_any<Real>(ctx, x, filter, g, e, y, sums);
}

template <class Real, GpuDevice Device>
void own_conv2d_backward_data(context<Device>& ctx, view_on<const Real, Device> dy,
                              view_on<const master_of<Real>, Device> filter, conv2d_geometry g,
                              view_on<Real, Device> dx) {
  if constexpr (!std::is_same_v<Real, double>) {
    if (may_round<Real>(ctx) && has_tensor_cores_backward_data<Real>(filter.shape(), g) &&
        fits_tensor_cores(dx.shape())) {
      constexpr std::string_view name = "conv2d_backward_data";
      require_conv2d_shapes(name, dx.shape(), filter.shape(), g, dy.shape());
      const auto stored = stored_filter<Real>(ctx, filter);
      return launch_tensor_cores_to_image<Real>(ctx,
                                                conv2d_extents::of(name, dx.shape(), filter.shape(), g, dy.shape()),
                                                dy.data(), stored.data(), dx.data());
    }
  }
  conv2d_any_backward_data<Real>(ctx, dy, filter, g, dx);
}

template <class Real, GpuDevice Device>
void own_conv2d_backward_filter(context<Device>& ctx, view_on<const Real, Device> x, view_on<const Real, Device> dy,
                                conv2d_geometry g, view_on<master_of<Real>, Device> dfilter) {
  if constexpr (!std::is_same_v<Real, double>) {
    constexpr std::string_view name = "conv2d_backward_filter";
    const bool few = few_channels::take(dfilter.shape(), g);
    if (few || (may_round<Real>(ctx) && has_tensor_cores<Real>(dfilter.shape(), g))) {
      require_conv2d_shapes(name, x.shape(), dfilter.shape(), g, dy.shape());
      if (dfilter.empty() || dy.empty()) return;
      const auto extents = conv2d_extents::of(name, x.shape(), dfilter.shape(), g, dy.shape());
      if (few)
        return with_tile_of<Real>(ctx, extents.outputs, [&](auto tile) {
          launch_few_channels_to_filter<decltype(tile)>(ctx, name, extents, x.data(), dy.data(), dfilter);
        });
      return launch_tensor_cores_to_filter<Real>(ctx, name, extents, x.data(), dy.data(), dfilter);
    }
  }
  conv2d_any_backward_filter<Real>(ctx, x, dy, g, dfilter);
}

}  // namespace detail

// Twins of kernels/cpu/conv2d.hpp. A library that the context was told to convolve by (convolution_library.hpp) comes first.

/// `sums` [N,2,K], if not empty, is overwritten with what channel_sums says of y, up to the order of float32 sums.
template <class Real, GpuDevice Device>
void conv2d(context<Device>& ctx, view_on<const Real, Device> x, view_on<const master_of<Real>, Device> filter,
            conv2d_geometry g, const conv2d_epilogue<Real, std::type_identity_t<Device>>& e, view_on<Real, Device> y,
            view_on<double, Device> sums = {}) {
  if (!detail::library_conv2d<Real, Device>(ctx, x, filter, g, e, y))
    detail::own_conv2d<Real>(ctx, x, filter, g, e, y, sums);
  else if (!sums.empty())
    channel_sums<Real>(ctx, y, sums);
}

template <class Real, GpuDevice Device>
void conv2d_backward_data(context<Device>& ctx, view_on<const Real, Device> dy,
                          view_on<const master_of<Real>, Device> filter, conv2d_geometry g, view_on<Real, Device> dx) {
  if (!detail::library_conv2d_backward_data<Real, Device>(ctx, dy, filter, g, dx))
    detail::own_conv2d_backward_data<Real>(ctx, dy, filter, g, dx);
}

template <class Real, GpuDevice Device>
void conv2d_backward_filter(context<Device>& ctx, view_on<const Real, Device> x, view_on<const Real, Device> dy,
                            conv2d_geometry g, view_on<master_of<Real>, Device> dfilter) {
  if (!detail::library_conv2d_backward_filter<Real, Device>(ctx, x, dy, g, dfilter))
    detail::own_conv2d_backward_filter<Real>(ctx, x, dy, g, dfilter);
}

}  // namespace aixcell
