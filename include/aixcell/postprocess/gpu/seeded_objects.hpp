#pragma once
#include <algorithm>
#include <utility>

#include <aixcell/kernels/gpu/unseeded_parts.hpp>
#include <aixcell/kernels/gpu/watershed.hpp>
#include <aixcell/postprocess/gpu/found_on.hpp>

namespace aixcell {

// The twins of postprocess/detail/seeded_objects.hpp.

/// Labels 1..last of fewer than `least_area` pixels become background, the others 1..N in their order. Returns N. Waits for the
/// device.
template <GpuDevice Device>
int number_objects(context<Device>& ctx, tensor<std::int32_t, Device>& labels, int last, index_t least_area) {
  const measured_regions<Device> regions(ctx, labels, last);
  tensor<std::int32_t, Device> left(ctx, {1});
  remove_small_regions(ctx, labels, regions.sums, static_cast<int>(std::max<index_t>(1, least_area)), left);
  return to_host(ctx, left)[0];
}

/// Labels 1..N without gaps, each scored with its mean object probability. `last`: the greatest label that there can be.
template <GpuDevice Device>
found_on<Device> numbered_and_scored(context<Device>& ctx, tensor<std::int32_t, Device> labels, int last,
                                     const tensor<float, Device>& object, index_t least_area) {
  const int count = number_objects(ctx, labels, last, least_area);
  const measured_regions<Device> regions(ctx, labels, count);
  tensor<float, Device> scores(ctx, {count});
  object_means(ctx, labels, regions.sums, regions.boxes, object, scores);
  found_on<Device> found{std::move(labels), {}};
  for (const float score : to_host(ctx, scores)) {
    found.rest.objects.emplace_back();
    found.rest.objects.back().score = score;
  }
  return found;
}

/// What a watershed makes of seeds: see detail::seeded_map.
template <class Device>
struct seeded_map_on {
  tensor<float, Device> landscape;
  tensor<std::uint8_t, Device> mask;
  tensor<float, Device> object;
  index_t least_area = 1;
};

/// Seeds 1..last grow over the mask; parts of the mask without a seed are objects too small for one.
template <GpuDevice Device>
found_on<Device> grow_seeds(context<Device>& ctx, const seeded_map_on<Device>& map, tensor<std::int32_t, Device> seeds,
                            int last) {
  last = add_unseeded(ctx, map.mask, static_cast<int>(map.least_area), last, seeds);
  watershed(ctx, map.landscape, map.mask, seeds);
  return numbered_and_scored(ctx, std::move(seeds), last, map.object, map.least_area);
}

}  // namespace aixcell
