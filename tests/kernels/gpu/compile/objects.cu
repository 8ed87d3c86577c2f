// What finds objects, for a GPU: compiled, never run. compile_kernels.cmake reads what ptxas says of it.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/centre_flow.hpp>
#include <aixcell/kernels/gpu/clahe.hpp>
#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/dense_maps.hpp>
#include <aixcell/kernels/gpu/distance_transform.hpp>
#include <aixcell/kernels/gpu/draw_polygons.hpp>
#include <aixcell/kernels/gpu/fill_holes.hpp>
#include <aixcell/kernels/gpu/flat_field.hpp>
#include <aixcell/kernels/gpu/flow_sinks.hpp>
#include <aixcell/kernels/gpu/follow_flow.hpp>
#include <aixcell/kernels/gpu/grey_opening.hpp>
#include <aixcell/kernels/gpu/h_maxima.hpp>
#include <aixcell/kernels/gpu/illumination.hpp>
#include <aixcell/kernels/gpu/label_pairs.hpp>
#include <aixcell/kernels/gpu/object_sums.hpp>
#include <aixcell/kernels/gpu/outlines.hpp>
#include <aixcell/kernels/gpu/percentile.hpp>
#include <aixcell/kernels/gpu/radial_owner.hpp>
#include <aixcell/kernels/gpu/region_sums.hpp>
#include <aixcell/kernels/gpu/resize.hpp>
#include <aixcell/kernels/gpu/smooth_inside.hpp>
#include <aixcell/kernels/gpu/standardise.hpp>
#include <aixcell/kernels/gpu/star_convex_nms.hpp>
#include <aixcell/kernels/gpu/take_channels.hpp>
#include <aixcell/kernels/gpu/tiles.hpp>
#include <aixcell/kernels/gpu/unmix_stains.hpp>
#include <aixcell/kernels/gpu/unseeded_parts.hpp>
#include <aixcell/kernels/gpu/usable_values.hpp>
#include <aixcell/kernels/gpu/watershed.hpp>

namespace aixcell {

void objects(context<cuda>& ctx, view<float, cuda> image, view<std::uint8_t, cuda> mask,
             view<std::int32_t, cuda> labels, view<double, cuda> ranges) {
  connected_components(ctx, mask, connectivity::eight, labels, labels);
  connected_parts(ctx, labels, connectivity::four, labels, labels);
  distance_to_outside(ctx, labels, image);
  follow_flow(ctx, image, mask, {}, image);
  percentile_ranges(ctx, image, 1, 99.8f, ranges);
  scale_to_ranges(ctx, image, ranges, image);
  watershed(ctx, image, mask, labels);
  star_convex_nms(ctx, image, ranges, {}, labels);
  centre_probabilities(ctx, image, 0, labels, image);
  radial_owner(ctx, image, labels, {}, image, labels);
  refined_seeds(ctx, image, 1, 0.5f, 1.5f, image, mask, labels);
}

void maps(context<cuda>& ctx, view<float, cuda> image, view<std::uint8_t, cuda> mask, view<std::int32_t, cuda> labels) {
  foreground_map(ctx, image, 0, 0.5f, image, mask);
  interior_border_maps(ctx, image, 0, 0.5f, 0.5f, image, image, mask, mask);
  depth_map(ctx, image, 0, mask, image);
  flow_map(ctx, image, 0, 5, mask, image);
  greatest_channels(ctx, image, 0, 3, labels);
  one_minus(ctx, image, image);
  smooth_inside(ctx, mask, 2, image);
  h_maxima(ctx, image, {}, labels);
  flow_sinks(ctx, image, mask, 3, labels);
  centre_flow(ctx, labels, image);
  fill_holes(ctx, labels);
  add_unseeded(ctx, mask, 8, 1, labels);
}

void tiles(context<cuda>& ctx, view<float, cuda> image, view<std::int32_t, cuda> labels) {
  cut_reflected(ctx, image, 0, 0, image);
  mirror_image(ctx, image, {}, image);
  add_mirrored(ctx, image, {}, labels, image);
  add_tile(ctx, image, image, 0, 0, image, image);
  divide_by_weights(ctx, image, image);
  scale_values(ctx, 0.25f, image);
}

void preprocessing(context<cuda>& ctx, view<float, cuda> image, view<double, cuda> moments) {
  constexpr int channels[] = {0, 2};
  first_unusable(ctx, image);
  channel_moments(ctx, image, moments);
  standardise(ctx, image, moments, image);
  take_channels(ctx, image, channels, image);
  resize_image(ctx, image, image);
  white_top_hat(ctx, image, 3, image);
  clahe_equalise(ctx, image, {}, image);
  unmix_stains(ctx, image, {}, image);
  estimate_illumination(ctx, image, moments);
  divided_by(ctx, image, moments, image);
  divide_by_field(ctx, image, image, image);
}

void measurement(context<cuda>& ctx, view<std::int32_t, cuda> labels, view<std::uint64_t, cuda> sums,
                 view<float, cuda> image, view<double, cuda> votes, view<intensity_sums, cuda> intensities) {
  object_means(ctx, labels, sums, labels, image, image);
  remove_unlike_regions(ctx, image, image, sums, labels, 0.4f, labels);
  object_votes(ctx, labels, labels, image, 1, votes);
  outline_pixels(ctx, labels, {}, labels);
  perimeters(ctx, labels, votes);
  draw_polygons(ctx, votes, labels);
  label_pairs(ctx, labels, labels);
  object_intensities(ctx, labels, labels, image, intensities);
  region_sums(ctx, labels, sums, labels);
  remove_small_regions(ctx, labels, sums, 8, labels);
}

}  // namespace aixcell
