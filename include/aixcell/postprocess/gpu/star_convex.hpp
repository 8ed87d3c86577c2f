#pragma once
#include <cmath>
#include <vector>

#include <aixcell/kernels/gpu/star_convex_nms.hpp>
#include <aixcell/postprocess/gpu/found_on.hpp>
#include <aixcell/postprocess/star_convex.hpp>

namespace aixcell {

namespace detail {

/// The twin of star_convex::draw_stars.
template <GpuDevice Device, int Rays>
kept_polygons<Device> drawn_stars(context<Device>& ctx, const star_convex<Rays>& p, const tensor<float, Device>& output,
                                  int first, tensor<std::int32_t, Device>& labels) {
  tensor<double> directions({Rays, 2});
  for (int k = 0; k < Rays; ++k) {
    directions(k, 0) = ray_directions<Rays>[static_cast<std::size_t>(k)].dy;
    directions(k, 1) = ray_directions<Rays>[static_cast<std::size_t>(k)].dx;
  }
  return star_convex_nms(ctx, output, to_device(ctx, directions),
                         {.rays = Rays,
                          .first_channel = first,
                          .least_logit = std::log(p.probability_threshold / (1 - p.probability_threshold)),
                          .distance_unit = star_convex<Rays>::distance_unit,
                          .most_overlap = p.overlap_threshold,
                          .least_area = p.min_area},
                         labels);
}

/// Objects with the probabilities of the pixels that polygons stand on.
template <GpuDevice Device>
std::vector<detected_object> scored_stars(context<Device>& ctx, const tensor<float, Device>& output, int first,
                                          const kept_polygons<Device>& stars) {
  tensor<float, Device> scores(ctx, {stars.count});
  centre_probabilities(ctx, output, first, stars.kept(), scores);
  std::vector<detected_object> objects;
  for (const float score : to_host(ctx, scores)) {
    objects.emplace_back();
    objects.back().score = score;
  }
  return objects;
}

}  // namespace detail

/// The processor's labels. Throws data_error where a polygon meets more than 128 others.
template <GpuDevice Device, int Rays>
found_on<Device> decode_on(context<Device>& ctx, const star_convex<Rays>& p, const tensor<float, Device>& output,
                           int first) {
  found_on<Device> found{{ctx, {output.extent(0), output.extent(1)}}, {}};
  const kept_polygons<Device> stars = detail::drawn_stars(ctx, p, output, first, found.labels);
  found.rest.objects = detail::scored_stars(ctx, output, first, stars);
  return found;
}

}  // namespace aixcell
