#pragma once
#include <cmath>

#include <aixcell/kernels/follow_options.hpp>
#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell {

namespace detail {

/// One thread a pixel: all steps in registers, the flow from cache.
struct follow_flow_kernel {
  static constexpr std::string_view name = "follow_flow";
  static constexpr int threads = 128;
  using shared = nothing;

  constexpr void operator()(auto t, shared&, int height, int width, const pack<float, 2>* flow,
                            const std::uint8_t* mask, follow_options options, pack<float, 2>* ends) const {
    const int i = global_rank(t);
    if (i >= height * width) return;
    float y = static_cast<float>(i / width), x = static_cast<float>(i % width);
    float y1 = y, x1 = x;  // where it was a step ago
    const int steps = mask[i] ? options.steps : 0;
    for (int step = 0; step < steps; ++step) {
      const int top = static_cast<int>(y), left = static_cast<int>(x);
      const int down = top + 1 < height ? width : 0, right = left + 1 < width ? 1 : 0, at = top * width + left;
      const float v = y - static_cast<float>(top), u = x - static_cast<float>(left);
      const pack<float, 2> a = flow[at], b = flow[at + right], c = flow[at + down], d = flow[at + down + right];
      const float y2 = y1, x2 = x1;
      y1 = y;
      x1 = x;
      y = within(y + mixed(a[0], b[0], c[0], d[0], u, v), static_cast<float>(height - 1));
      x = within(x + mixed(a[1], b[1], c[1], d[1], u, v), static_cast<float>(width - 1));
      if (step > 0 && std::abs(y - y2) + std::abs(x - x2) < options.rest) break;
    }
    ends[i] = {y, x};
  }

 private:
  static constexpr float mixed(float a, float b, float c, float d, float u, float v) {
    const float above = a + u * (b - a), below = c + u * (d - c), m = above + v * (below - above);
    return m - m == 0 ? m : 0.0f;  // what is not finite counts as 0
  }
  static constexpr float within(float p, float last) { return p < 0 ? 0.0f : p > last ? last : p; }
};

}  // namespace detail

/// As the twin for the processor: where the pixels of a mask [H,W] come to when they follow a flow [H,W,2]; ends [H,W,2].
/// The same path but for the rounding of fused multiply-adds, which where two sinks are equally near can decide between them.
template <GpuDevice Device>
void follow_flow(context<Device>& ctx, view_on<const float, Device> flow, view_on<const std::uint8_t, Device> mask,
                 const follow_options& options, view_on<float, Device> ends) {
  require_rank("follow_flow", 2, "a mask [H,W]", mask.shape());
  const shape points{mask.extent(0), mask.extent(1), 2};
  require_shape("follow_flow: the flow", points, flow.shape());
  require_shape("follow_flow: the ends", points, ends.shape());
  detail::counted("follow_flow", flow.size());
  launch(ctx, blocks_for(mask.size(), 128), detail::follow_flow_kernel{}, static_cast<int>(mask.extent(0)),
         static_cast<int>(mask.extent(1)), reinterpret_cast<const pack<float, 2>*>(flow.data()), mask.data(), options,
         reinterpret_cast<pack<float, 2>*>(ends.data()));
}

}  // namespace aixcell
