#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

// What decoders read out of a network's output [H,W,K] before they look for objects: probabilities, and masks of the pixels
// above a threshold. One thread a pixel.

namespace detail {

constexpr float probability_of(float logit) { return 1 / (1 + std::exp(-logit)); }

/// Where a decoder's channels begin at each pixel.
struct dense_channels {
  const float* values;
  int stride;
  constexpr const float* at(int pixel) const { return values + pixel * stride; }
};

template <class Device>
dense_channels channels_from(std::string_view where, view<const float, Device> output, int first, int count) {
  require_rank(where, 3, "an output [H,W,K]", output.shape());
  if (first < 0 || count < 1 || output.extent(2) < first + count)
    throw shape_error(std::string(where) + ": expected channels " + std::to_string(first) + " to " +
                      std::to_string(first + count - 1) + ", found an output " + to_string(output.shape()));
  counted(where, output.size());
  return {output.data() + first, static_cast<int>(output.extent(2))};
}

struct foreground_kernel {
  static constexpr std::string_view name = "foreground_map";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, dense_channels output, float threshold, float* object,
                            std::uint8_t* mask) const {
    const int p = global_rank(t);
    if (p >= pixels) return;
    object[p] = probability_of(output.at(p)[0]);
    mask[p] = object[p] > threshold;
  }
};

struct interior_border_kernel {
  static constexpr std::string_view name = "interior_border_maps";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, dense_channels output, float seed_threshold,
                            float object_threshold, float* landscape, float* object, std::uint8_t* seeds,
                            std::uint8_t* mask) const {
    const int p = global_rank(t);
    if (p >= pixels) return;
    const float* const logits = output.at(p);
    float greatest = logits[0];
    for (int c = 1; c < 3; ++c) greatest = greatest < logits[c] ? logits[c] : greatest;
    const float outside = std::exp(logits[0] - greatest), interior = std::exp(logits[1] - greatest),
                border = std::exp(logits[2] - greatest), sum = outside + interior + border;
    landscape[p] = 1 - interior / sum;
    object[p] = interior / sum + border / sum;
    seeds[p] = interior / sum > seed_threshold && object[p] > object_threshold;
    mask[p] = object[p] > object_threshold;
  }
};

struct depth_kernel {
  static constexpr std::string_view name = "depth_map";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, dense_channels output, const std::uint8_t* mask,
                            float* depth) const {
    const int p = global_rank(t);
    if (p >= pixels) return;
    const float deep = probability_of(output.at(p)[0]);
    depth[p] = mask[p] && deep > 0 ? deep : 0.0f;  // in this order no number becomes 0
  }
};

struct flow_kernel {
  static constexpr std::string_view name = "flow_map";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int pixels, dense_channels output, float unit, const std::uint8_t* mask,
                            float* flow) const {
    const int p = global_rank(t);
    if (p >= pixels) return;
    for (int c = 0; c < 2; ++c) flow[2 * p + c] = mask[p] ? output.at(p)[c] / unit : 0.0f;
  }
};

struct greatest_channel {
  static constexpr std::string_view name = "greatest_channels";
  dense_channels output;
  int count;
  constexpr std::int32_t operator()(int p) const {
    const float* const values = output.at(p);
    int best = 0;
    for (int c = 1; c < count; ++c) best = values[best] < values[c] ? c : best;
    return best;
  }
};

struct one_minus {
  static constexpr std::string_view name = "one_minus";
  constexpr float operator()(int, float v) const { return 1 - v; }
};

}  // namespace detail

/// object [H,W]: the probability of the logit in one channel of an output [H,W,K]; mask [H,W]: where it is above `threshold`.
template <GpuDevice Device>
void foreground_map(context<Device>& ctx, view_on<const float, Device> output, int channel, float threshold,
                    view_on<float, Device> object, view_on<std::uint8_t, Device> mask) {
  const auto from = detail::channels_from<Device>("foreground_map", output, channel, 1);
  require_shape("foreground_map", {output.extent(0), output.extent(1)}, object.shape());
  require_equal_shapes("foreground_map", object, mask);
  launch(ctx, blocks_for(mask.size(), 256), detail::foreground_kernel{}, static_cast<int>(mask.size()), from, threshold,
         object.data(), mask.data());
}

/// What grows of three logits of background, interior and border, channels `first`..: landscape [H,W], 1 less the interior's
/// probability; object [H,W], that of interior or border; mask [H,W], where that is above `object_threshold`; seeds [H,W],
/// where besides the interior's is above `seed_threshold`.
template <GpuDevice Device>
void interior_border_maps(context<Device>& ctx, view_on<const float, Device> output, int first, float seed_threshold,
                          float object_threshold, view_on<float, Device> landscape, view_on<float, Device> object,
                          view_on<std::uint8_t, Device> seeds, view_on<std::uint8_t, Device> mask) {
  const auto from = detail::channels_from<Device>("interior_border_maps", output, first, 3);
  require_shape("interior_border_maps", {output.extent(0), output.extent(1)}, mask.shape());
  require_equal_shapes("interior_border_maps", mask, seeds, landscape, object);
  launch(ctx, blocks_for(mask.size(), 256), detail::interior_border_kernel{}, static_cast<int>(mask.size()), from,
         seed_threshold, object_threshold, landscape.data(), object.data(), seeds.data(), mask.data());
}

/// depth [H,W]: the probability of the logit in one channel, 0 outside the mask.
template <GpuDevice Device>
void depth_map(context<Device>& ctx, view_on<const float, Device> output, int channel,
               view_on<const std::uint8_t, Device> mask, view_on<float, Device> depth) {
  const auto from = detail::channels_from<Device>("depth_map", output, channel, 1);
  require_shape("depth_map", {output.extent(0), output.extent(1)}, depth.shape());
  require_equal_shapes("depth_map", depth, mask);
  launch(ctx, blocks_for(mask.size(), 256), detail::depth_kernel{}, static_cast<int>(mask.size()), from, mask.data(),
         depth.data());
}

/// flow [H,W,2]: two channels from `first` divided by `unit`, 0 outside the mask.
template <GpuDevice Device>
void flow_map(context<Device>& ctx, view_on<const float, Device> output, int first, float unit,
              view_on<const std::uint8_t, Device> mask, view_on<float, Device> flow) {
  const auto from = detail::channels_from<Device>("flow_map", output, first, 2);
  require_shape("flow_map", {output.extent(0), output.extent(1)}, mask.shape());
  require_shape("flow_map", {output.extent(0), output.extent(1), 2}, flow.shape());
  launch(ctx, blocks_for(mask.size(), 256), detail::flow_kernel{}, static_cast<int>(mask.size()), from, unit,
         mask.data(), flow.data());
}

/// labels [H,W]: which of `count` channels from `first` is greatest, from 0; of equal ones the first.
template <GpuDevice Device>
void greatest_channels(context<Device>& ctx, view_on<const float, Device> output, int first, int count,
                       view_on<std::int32_t, Device> labels) {
  const auto from = detail::channels_from<Device>("greatest_channels", output, first, count);
  require_shape("greatest_channels", {output.extent(0), output.extent(1)}, labels.shape());
  detail::launch_map_singly(ctx, detail::greatest_channel{from, count}, labels.size(), labels.data());
}

/// y = 1 - x: from heights to a landscape that floods. y may be x.
template <GpuDevice Device>
void one_minus(context<Device>& ctx, view_on<const float, Device> x, view_on<float, Device> y) {
  require_equal_shapes("one_minus", x, y);
  detail::launch_map(ctx, detail::one_minus{}, y.size(), y.data(), x.data());
}

}  // namespace aixcell
