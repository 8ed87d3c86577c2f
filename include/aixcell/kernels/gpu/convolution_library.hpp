#pragma once
#include <string>
#include <type_traits>

#include <aixcell/core/context.hpp>
#include <aixcell/device/core.hpp>
#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/gpu/detail/conv2d_extents.hpp>

namespace aixcell {

/// Which of the three: y of x and filter, dx of dy and filter, dfilter of x and dy.
enum class convolution_pass { forward, to_image, to_filter };

/// How images are stored. Filters, scale and bias are stored as bfloat16's master, float32, and as the image otherwise.
enum class stored_format { float32, float64, bfloat16 };

template <class Real>
inline constexpr stored_format stored_format_of = std::is_same_v<Real, bfloat16> ? stored_format::bfloat16
                                                  : std::is_same_v<Real, double> ? stored_format::float64
                                                                                 : stored_format::float32;

/// One convolution without its values: all that the choice of an algorithm depends on.
struct convolution_work {
  convolution_pass pass = convolution_pass::forward;
  stored_format format = stored_format::float32;
  shape x = {}, filter = {}, y = {};  ///< [N,H,W,C], [K,R,S,C/groups], [N,P,Q,K]; of gradients too
  conv2d_geometry geometry = {};
  bool scale = false, bias = false, residual = false;  ///< what the epilogue of a forward pass has
  activation act = activation::none;
  bool tf32 = false;  ///< what is multiplied may be rounded to 10 bits of mantissa; of float32 alone

  constexpr bool has_epilogue() const { return scale || bias || residual || act != activation::none; }
};

constexpr std::string_view to_string(activation act) {
  switch (act) {
    case activation::relu:
      return "relu";
    case activation::leaky_relu:
      return "leaky_relu";
    case activation::relu6:
      return "relu6";
    case activation::silu:
      return "silu";
    case activation::gelu:
      return "gelu";
    case activation::sigmoid:
      return "sigmoid";
    case activation::none:
      break;
  }
  return "none";
}

/// `conv2d of [2,5,7,3] by [4,3,3,3] to [2,5,7,4], stride 1, padding 1, dilation 1, groups 1, float32, bias, relu`: every
/// field, so that equal texts are equal work.
inline std::string to_string(const convolution_work& w) {
  std::string text = w.pass == convolution_pass::forward    ? "conv2d"
                     : w.pass == convolution_pass::to_image ? "conv2d_backward_data"
                                                            : "conv2d_backward_filter";
  text += " of " + to_string(w.x) + " by " + to_string(w.filter) + " to " + to_string(w.y);
  text += ", stride " + std::to_string(w.geometry.stride) + ", padding " + std::to_string(w.geometry.padding) +
          ", dilation " + std::to_string(w.geometry.dilation) + ", groups " + std::to_string(w.geometry.groups);
  text += w.tf32                               ? ", tf32"
          : w.format == stored_format::float32 ? ", float32"
          : w.format == stored_format::float64 ? ", float64"
                                               : ", bfloat16";
  if (w.scale) text += ", scale";
  if (w.bias) text += ", bias";
  if (w.residual) text += ", residual";
  if (w.act != activation::none) text += ", " + std::string(to_string(w.act));
  return text;
}

/// The values, dense, in memory of the device.
struct convolution_operands {
  const void *first = nullptr, *second = nullptr;  ///< x and filter; dy and filter; x and dy
  void* result = nullptr;                          ///< y, overwritten; dx, overwritten; dfilter, added to
  const void *scale = nullptr, *bias = nullptr, *residual = nullptr;  ///< null where the work has none
};

/// Convolutions that are not ours, for `context<Device>::convolve_by`. Nothing of what it is asked for is empty, and shapes
/// fit. Throws device_error for work that it can not do: nothing falls back.
template <class Device>
class convolution_library {
 public:
  virtual ~convolution_library() = default;
  virtual std::string name() const = 0;
  virtual void run(context<Device>& ctx, const convolution_work& work, const convolution_operands& values) = 0;
};

namespace detail {

/// Hands a convolution to the library of the context; false: there is none, or nothing to multiply, which our own kernels
/// know what to do about.
template <GpuDevice Device>
bool run_by_library(context<Device>& ctx, convolution_work work, const convolution_operands& values) {
  const auto& library = ctx.convolutions();
  if (!library || work.x.count() == 0 || work.filter.count() == 0 || work.y.count() == 0) return false;
  work.tf32 = work.format == stored_format::float32 && ctx.settings().precision == precision::tf32;
  library->run(ctx, work, values);
  return true;
}

template <class Real, GpuDevice Device>
bool library_conv2d(context<Device>& ctx, view<const Real, Device> x, view<const master_of<Real>, Device> filter,
                    conv2d_geometry g, const conv2d_epilogue<Real, Device>& e, view<Real, Device> y) {
  require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  const auto epilogue = epilogue_values<Real>::of("conv2d", e, y.shape());
  return run_by_library(ctx,
                        {.pass = convolution_pass::forward,
                         .format = stored_format_of<Real>,
                         .x = x.shape(),
                         .filter = filter.shape(),
                         .y = y.shape(),
                         .geometry = g,
                         .scale = epilogue.scale != nullptr,
                         .bias = epilogue.bias != nullptr,
                         .residual = epilogue.residual != nullptr,
                         .act = e.act},
                        {x.data(), filter.data(), y.data(), epilogue.scale, epilogue.bias, epilogue.residual});
}

template <class Real, GpuDevice Device>
bool library_conv2d_backward_data(context<Device>& ctx, view<const Real, Device> dy,
                                  view<const master_of<Real>, Device> filter, conv2d_geometry g,
                                  view<Real, Device> dx) {
  require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  return run_by_library(ctx,
                        {.pass = convolution_pass::to_image,
                         .format = stored_format_of<Real>,
                         .x = dx.shape(),
                         .filter = filter.shape(),
                         .y = dy.shape(),
                         .geometry = g},
                        {.first = dy.data(), .second = filter.data(), .result = dx.data()});
}

template <class Real, GpuDevice Device>
bool library_conv2d_backward_filter(context<Device>& ctx, view<const Real, Device> x, view<const Real, Device> dy,
                                    conv2d_geometry g, view<master_of<Real>, Device> dfilter) {
  require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  return run_by_library(ctx,
                        {.pass = convolution_pass::to_filter,
                         .format = stored_format_of<Real>,
                         .x = x.shape(),
                         .filter = dfilter.shape(),
                         .y = dy.shape(),
                         .geometry = g},
                        {.first = x.data(), .second = dy.data(), .result = dfilter.data()});
}

}  // namespace detail
}  // namespace aixcell
