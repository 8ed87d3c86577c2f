#pragma once
#include <aixcell/kernels/gpu/conv2d.hpp>

namespace aixcell {

// Convolution of bfloat16 operands, filters too, by name: conv2d chooses it for images stored so. The result may be float32.

namespace detail {

[[noreturn]] inline void throw_no_tensor_cores(std::string_view where, std::string_view need, const shape& x,
                                               const shape& filter) {
  throw shape_error(std::string(where) + ": tensor cores need " + std::string(need) + ", found " + to_string(x) +
                    " and filters " + to_string(filter) + "; conv2d in float32 takes any");
}

}  // namespace detail

/// Whether tensor cores take this convolution, forward and to the filter.
constexpr bool has_bf16_conv2d(const shape& filter, conv2d_geometry g) {
  return detail::has_tensor_cores<bfloat16>(filter, g);
}
/// And to the image.
constexpr bool has_bf16_conv2d_backward_data(const shape& filter, conv2d_geometry g) {
  return detail::has_tensor_cores_backward_data<bfloat16>(filter, g);
}

/// conv2d of bfloat16 operands with sums and epilogue in float32; y is float or bfloat16. Channels of x are a multiple of 8,
/// edges of x below 2^14 and one group, else shape_error.
template <class Out, GpuDevice Device>
void conv2d_bf16(context<Device>& ctx, view_on<const bfloat16, Device> x, view_on<const bfloat16, Device> filter,
                 conv2d_geometry g, const conv2d_epilogue<float, std::type_identity_t<Device>>& e,
                 view_on<Out, Device> y, view_on<double, Device> sums = {}) {
  detail::require_conv2d_shapes("conv2d_bf16", x.shape(), filter.shape(), g, y.shape());
  if (g.groups != 1 || filter.extent(3) % 8 != 0 || x.extent(1) >= 1 << 14 || x.extent(2) >= 1 << 14)
    detail::throw_no_tensor_cores("conv2d_bf16", "one group, channels in multiples of 8 and edges below 2^14",
                                  x.shape(), filter.shape());
  detail::launch_tensor_cores<bfloat16>(
      ctx, detail::conv2d_extents::of("conv2d_bf16", x.shape(), filter.shape(), g, y.shape()),
      detail::epilogue_values<float>::of("conv2d_bf16", e, y.shape()), x.data(), filter.data(), y.data(), sums);
}

/// conv2d_backward_data; dx is float or bfloat16. Stride or dilation, not both; one group, filters in multiples of 8, edges
/// below 2^14, else shape_error.
template <class Out, GpuDevice Device>
void conv2d_bf16_backward_data(context<Device>& ctx, view_on<const bfloat16, Device> dy, view_on<const bfloat16, Device> filter,
                               conv2d_geometry g, view_on<Out, Device> dx) {
  constexpr std::string_view name = "conv2d_bf16_backward_data";
  detail::require_conv2d_shapes(name, dx.shape(), filter.shape(), g, dy.shape());
  if (g.groups != 1 || filter.extent(0) % 8 != 0 || (g.stride != 1 && g.dilation != 1) ||
      !detail::fits_tensor_cores(dx.shape()))
    detail::throw_no_tensor_cores(name, "one group, filters in multiples of 8, stride or dilation, edges below 2^14",
                                  dx.shape(), filter.shape());
  detail::launch_tensor_cores_to_image<bfloat16>(
      ctx, detail::conv2d_extents::of(name, dx.shape(), filter.shape(), g, dy.shape()), dy.data(), filter.data(),
      dx.data());
}

/// conv2d_backward_filter into float32, added to. Channels and filters are multiples of 8, else shape_error. The order of the
/// sums is fixed by the shape.
template <GpuDevice Device>
void conv2d_bf16_backward_filter(context<Device>& ctx, view_on<const bfloat16, Device> x, view_on<const bfloat16, Device> dy,
                                 conv2d_geometry g, view_on<float, Device> dfilter) {
  constexpr std::string_view name = "conv2d_bf16_backward_filter";
  detail::require_conv2d_shapes(name, x.shape(), dfilter.shape(), g, dy.shape());
  if (!has_bf16_conv2d(dfilter.shape(), g))
    detail::throw_no_tensor_cores(name, "one group, channels and filters in multiples of 8", x.shape(),
                                  dfilter.shape());
  if (dfilter.empty() || dy.empty()) return;
  detail::launch_tensor_cores_to_filter<bfloat16>(
      ctx, name, detail::conv2d_extents::of(name, x.shape(), dfilter.shape(), g, dy.shape()), x.data(), dy.data(),
      dfilter);
}

}  // namespace aixcell
