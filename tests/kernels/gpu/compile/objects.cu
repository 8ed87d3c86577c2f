// What finds objects, for a GPU: compiled, never run. compile_kernels.cmake reads what ptxas says of it.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/clahe.hpp>
#include <aixcell/kernels/gpu/connected_components.hpp>
#include <aixcell/kernels/gpu/distance_transform.hpp>
#include <aixcell/kernels/gpu/follow_flow.hpp>
#include <aixcell/kernels/gpu/grey_opening.hpp>
#include <aixcell/kernels/gpu/percentile.hpp>
#include <aixcell/kernels/gpu/region_sums.hpp>
#include <aixcell/kernels/gpu/star_convex_nms.hpp>
#include <aixcell/kernels/gpu/unmix_stains.hpp>
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
}

void preprocessing(context<cuda>& ctx, view<float, cuda> image) {
  white_top_hat(ctx, image, 3, image);
  clahe_equalise(ctx, image, {}, image);
  unmix_stains(ctx, image, {}, image);
}

void measurement(context<cuda>& ctx, view<std::int32_t, cuda> labels, view<std::uint64_t, cuda> sums) {
  region_sums(ctx, labels, sums, labels);
  remove_small_regions(ctx, labels, sums, 8, labels);
}

}  // namespace aixcell
