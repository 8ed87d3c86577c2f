#pragma once
#include <span>
#include <string>

#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {
struct taken_channel {
  static constexpr std::string_view name = "take_channels";
  const float* image;
  const int* from;
  int channels, kept;
  constexpr float operator()(int i) const { return image[i / kept * channels + from[i % kept]]; }
};
}  // namespace detail

/// out [H,W,K]: channels from[0], from[1], ... of an image [H,W,C]. Throws shape_error for one that it does not have.
template <GpuDevice Device>
void take_channels(context<Device>& ctx, view_on<const float, Device> image, std::span<const int> from,
                   view_on<float, Device> out) {
  require_rank("take_channels", 3, "an image [H,W,C]", image.shape());
  require_shape("take_channels", {image.extent(0), image.extent(1), std::ssize(from)}, out.shape());
  for (const int c : from)
    if (c < 0 || c >= image.extent(2))
      detail::throw_wrong_rank("take_channels", "the channels that are taken", image.shape());
  detail::counted("take_channels", image.size());
  tensor<int, Device> there(ctx, {std::ssize(from)});
  copy(ctx, view<const int, cpu>(from.data(), there.shape()), there.as_view());
  detail::launch_map_singly(ctx,
                            detail::taken_channel{image.data(), there.data(), static_cast<int>(image.extent(2)),
                                                  static_cast<int>(from.size())},
                            out.size(), out.data());
}

}  // namespace aixcell
