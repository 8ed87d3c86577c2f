#pragma once
#include <concepts>
#include <string_view>

#include <aixcell/core/stages.hpp>
#include <aixcell/device/transfer.hpp>
#include <aixcell/kernels/gpu/object_sums.hpp>

namespace aixcell {

// A postprocess policy knows nothing of devices. Its twin is a function
//     template <GpuDevice Device>
//     found_on<Device> decode_on(context<Device>& ctx, const policy& p, const tensor<float, Device>& output, int first);
// which is looked up where a device adds the policy, as kernels are where a layer is instantiated: whoever adds it includes the
// twin before. It does what `decode_at` of the policy does with the channels `first`.. of an output [H,W,K].

/// What a representation finds on a device: a prediction but for its labels, which stay there as long as somebody there asks.
template <class Device>
struct found_on {
  tensor<std::int32_t, Device> labels;  ///< [H,W]; empty where only the image is classified
  prediction rest;
};

template <class P, class Device>
concept HasPostprocessTwin = Postprocess<P> &&
    requires(context<Device>& ctx, const P& policy, const tensor<float, Device>& output) {
  { decode_on(ctx, policy, output, 0) } -> std::same_as<found_on<Device>>;
};

/// The twin of a policy's `decode`. Waits for the device.
template <GpuDevice Device, HasPostprocessTwin<Device> P>
prediction decode(context<Device>& ctx, const P& policy, const tensor<float, Device>& output) {
  found_on<Device> found = decode_on(ctx, policy, output, 0);
  if (!found.labels.empty()) found.rest.labels = to_host(ctx, found.labels);
  return std::move(found.rest);
}

/// The objects 1..count of a label map [H,W]: area, moments, box.
template <GpuDevice Device>
struct measured_regions {
  measured_regions(context<Device>& ctx, const tensor<std::int32_t, Device>& labels, index_t count)
      : sums(ctx, {count, region_sum_count}), boxes(ctx, {count, region_edge_count}) {
    region_sums(ctx, labels, sums, boxes);
  }
  tensor<std::uint64_t, Device> sums;
  tensor<std::int32_t, Device> boxes;
};

}  // namespace aixcell
