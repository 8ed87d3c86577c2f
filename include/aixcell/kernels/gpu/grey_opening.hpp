#pragma once
#include <algorithm>
#include <limits>

#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

/// The worse of two values never wins: the smaller in an erosion, the larger in a dilation. A NaN beside a number loses.
struct extreme {
  bool least;
  constexpr float operator()(float a, float b) const { return (least ? a < b : a > b) ? a : b; }
  constexpr float worst() const {
    return least ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity();
  }
};

/// Lines of an image along one of its directions, `apart` values between neighbours, behind `pad` values that never win.
struct padded_lines {
  int length, pad, apart;

  constexpr int padded() const { return length + pad; }
  /// Position in its line of value i of the padded image; `at` of the image, of that line and position.
  constexpr int position(int i) const { return i / apart % padded(); }
  constexpr int at(int i, int position) const { return (i / apart / padded() * length + position) * apart + i % apart; }
};

struct pad_lines {
  static constexpr std::string_view name = "grey_opening: pad";
  extreme better;
  padded_lines lines;
  const float* image;
  constexpr float operator()(int i) const {
    const int p = lines.position(i) - lines.pad;
    return p < 0 ? better.worst() : image[lines.at(i, p)];
  }
};

/// What covers `reach` values from here on, from two that cover half as many.
struct double_reach {
  static constexpr std::string_view name = "grey_opening: double";
  extreme better;
  padded_lines lines;
  int half;
  const float* from;
  constexpr float operator()(int i, float here) const {
    return lines.position(i) + half < lines.padded() ? better(here, from[i + half * lines.apart]) : here;
  }
};

/// The window around a value, from two of `reach` that together cover it.
struct centre_window {
  static constexpr std::string_view name = "grey_opening: windows";
  extreme better;
  padded_lines lines;
  int radius, reach;
  const float* from;  // padded
  constexpr float operator()(int i) const {
    const int line = i / lines.apart / lines.length, p = i / lines.apart % lines.length;
    const auto value = [&](int position) {
      return from[(line * lines.padded() + position) * lines.apart + i % lines.apart];
    };
    const int last = p + lines.pad + radius - reach + 1;
    const float first = value(p + lines.pad - radius);
    return last < lines.padded() ? better(first, value(last)) : first;
  }
};

/// Extremes over 2 * radius + 1 values along lines, in as many passes as the window has binary digits: minima and maxima round
/// nothing, so that any order gives the same bits.
template <GpuDevice Device>
void running_extreme(context<Device>& ctx, view<float, Device> image, extreme better, int length, int apart, int radius) {
  const padded_lines lines{length, radius, apart};
  const index_t padded = image.size() / length * lines.padded();
  tensor<float, Device> a(ctx, {padded}), b(ctx, {padded});
  float *now = a.data(), *next = b.data();
  launch_map_singly(ctx, pad_lines{better, lines, image.data()}, padded, now);
  int reach = 1;
  for (; 2 * reach <= 2 * radius + 1; reach *= 2) {
    launch_map_singly(ctx, double_reach{better, lines, reach, now}, padded, next, static_cast<const float*>(now));
    std::swap(now, next);
  }
  launch_map_singly(ctx, centre_window{better, lines, radius, reach, now}, image.size(), image.data());
}

struct less_opening {
  static constexpr std::string_view name = "top_hat";
  constexpr float operator()(int, float image, float opened) const { return image - opened; }
};

}  // namespace detail

/// As kernels/cpu/grey_opening.hpp: erosion, then dilation of each channel by a square of edge 2 * radius + 1. `out` may be the
/// image. O(log radius) passes over the image.
template <GpuDevice Device>
void grey_opening(context<Device>& ctx, view_on<const float, Device> image, index_t radius, view_on<float, Device> out) {
  require_rank("grey_opening", 3, "an image [H,W,C]", image.shape());
  require_equal_shapes("grey_opening", image, out);
  if (image.data() != out.data()) detail::launch_map(ctx, detail::same_value{}, out.size(), out.data(), image.data());
  if (radius < 1 || out.empty()) return;
  const auto height = static_cast<int>(out.extent(0)), width = static_cast<int>(out.extent(1)),
             channels = static_cast<int>(out.extent(2));
  detail::counted("grey_opening", (out.size() / height + out.size() / width) * std::max(height, width) * 2);
  const auto within = [&](int length) { return static_cast<int>(std::min<index_t>(radius, length)); };
  for (const bool least : {true, false}) {
    detail::running_extreme<Device>(ctx, out, {least}, width, channels, within(width));
    detail::running_extreme<Device>(ctx, out, {least}, height, width * channels, within(height));
  }
}

/// image - opening: what preprocess/top_hat.hpp does with a fitted radius; 0 leaves the image as it is. out is not the image.
template <GpuDevice Device>
void white_top_hat(context<Device>& ctx, view_on<const float, Device> image, index_t radius, view_on<float, Device> out) {
  grey_opening(ctx, image, radius, out);
  if (radius < 1) return;
  detail::launch_map(ctx, detail::less_opening{}, out.size(), out.data(), image.data(), static_cast<const float*>(out.data()));
}

}  // namespace aixcell
