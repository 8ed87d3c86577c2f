#pragma once
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {
struct smoothed_inside {
  static constexpr std::string_view name = "smooth_inside";
  const std::uint8_t* mask;
  const float* before;
  int height, width;
  constexpr float operator()(int p) const {
    if (!mask[p]) return before[p];
    const int i = p / width, j = p % width;
    float sum = 0, weight = 0;
    for (int y = i > 0 ? i - 1 : 0; y <= i + 1 && y < height; ++y)
      for (int x = j > 0 ? j - 1 : 0; x <= j + 1 && x < width; ++x) {
        if (!mask[y * width + x]) continue;
        const auto w = static_cast<float>((y == i ? 2 : 1) * (x == j ? 2 : 1));
        sum += w * before[y * width + x];
        weight += w;
      }
    return sum / weight;
  }
};
}  // namespace detail

/// As the twin for the processor: each round gives every pixel of a mask [H,W] the mean of its neighbours in the mask and
/// itself, weighted 1 2 1 along rows and columns, in place.
template <GpuDevice Device>
void smooth_inside(context<Device>& ctx, view_on<const std::uint8_t, Device> mask, int rounds,
                   view_on<float, Device> map) {
  require_rank("smooth_inside", 2, "a mask [H,W]", mask.shape());
  require_equal_shapes("smooth_inside", mask, map);
  detail::counted("smooth_inside", map.size());
  tensor<float, Device> before(ctx, map.shape());
  for (int round = 0; round < rounds; ++round) {
    detail::launch_map(ctx, detail::same_value{}, map.size(), before.data(), static_cast<const float*>(map.data()));
    detail::launch_map_singly(ctx,
                              detail::smoothed_inside{mask.data(), before.data(), static_cast<int>(map.extent(0)),
                                                      static_cast<int>(map.extent(1))},
                              map.size(), map.data());
  }
}

}  // namespace aixcell
