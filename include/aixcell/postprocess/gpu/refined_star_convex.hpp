#pragma once
#include <algorithm>
#include <utility>
#include <vector>

#include <aixcell/kernels/gpu/radial_owner.hpp>
#include <aixcell/kernels/gpu/watershed.hpp>
#include <aixcell/postprocess/gpu/star_convex.hpp>
#include <aixcell/postprocess/refined_star_convex.hpp>

namespace aixcell {

/// The processor's labels but for ties of the watershed. Throws data_error where a polygon meets more than 128 others.
template <GpuDevice Device, int Rays>
found_on<Device> decode_on(context<Device>& ctx, const refined_star_convex<Rays>& p,
                           const tensor<float, Device>& output, int first) {
  const shape s{output.extent(0), output.extent(1)};
  found_on<Device> found{{ctx, s}, {}};
  const kept_polygons<Device> stars = detail::drawn_stars(ctx, p.polygons, output, first, found.labels);
  tensor<float, Device> share(ctx, s);
  tensor<std::uint8_t, Device> mask(ctx, s);
  radial_owner(
      ctx, output, stars.kept(),
      {.rays = Rays, .first_channel = first, .distance_unit = star_convex<Rays>::distance_unit, .reach = p.reach},
      share, found.labels);
  refined_seeds(ctx, output, first + star_convex<Rays>::channels, p.object_threshold, p.reach, share, mask,
                found.labels);
  watershed(ctx, share, mask, found.labels);
  const measured_regions<Device> regions(ctx, found.labels, stars.count);
  const int least = std::max(1, p.polygons.min_area);
  tensor<std::int32_t, Device> left(ctx, {1});
  remove_small_regions(ctx, found.labels, regions.sums, least, left);
  std::vector<detected_object> drawn = detail::scored_stars(ctx, output, first, stars);
  const tensor<std::uint64_t> areas = to_host(ctx, regions.sums);
  for (index_t k = 0; k < stars.count; ++k)
    if (areas(k, area_sum) >= static_cast<std::uint64_t>(least))
      found.rest.objects.push_back(std::move(drawn[static_cast<std::size_t>(k)]));
  return found;
}

}  // namespace aixcell
