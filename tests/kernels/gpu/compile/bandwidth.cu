// Every kernel that moves memory, for a GPU: compiled, never run. compile_kernels.cmake reads what ptxas says of it.
#include <aixcell/device/cuda.cuh>
#include <aixcell/kernels/gpu/adaptive_pool.hpp>
#include <aixcell/kernels/gpu/augment.hpp>
#include <aixcell/kernels/gpu/binary_cross_entropy.hpp>
#include <aixcell/kernels/gpu/channel_gate.hpp>
#include <aixcell/kernels/gpu/channels.hpp>
#include <aixcell/kernels/gpu/crop.hpp>
#include <aixcell/kernels/gpu/cross_entropy.hpp>
#include <aixcell/kernels/gpu/dice.hpp>
#include <aixcell/kernels/gpu/elementwise.hpp>
#include <aixcell/kernels/gpu/fill.hpp>
#include <aixcell/kernels/gpu/focal.hpp>
#include <aixcell/kernels/gpu/image_cross_entropy.hpp>
#include <aixcell/kernels/gpu/layer_norm.hpp>
#include <aixcell/kernels/gpu/masked_regression.hpp>
#include <aixcell/kernels/gpu/normalisation.hpp>
#include <aixcell/kernels/gpu/optimiser.hpp>
#include <aixcell/kernels/gpu/patches.hpp>
#include <aixcell/kernels/gpu/polar_iou.hpp>
#include <aixcell/kernels/gpu/pool2d.hpp>
#include <aixcell/kernels/gpu/upsample.hpp>

namespace aixcell {

void elementwise(context<cuda>& ctx, view<float, cuda> x, view<float, cuda> y) {
  accumulate<float>(ctx, x, y);
  apply_activation<float>(ctx, x, activation::silu, y);
  activation_backward<float>(ctx, x, y, activation::gelu, x);
}

void normalisation(context<cuda>& ctx, view<float, cuda> x, view<double, cuda> sums) {
  const normalisation_inputs<float, cuda> in{x, x, x, x};
  const scaled_input<float, cuda> scaled{x, x, x, x, activation::relu};
  channel_sums<float>(ctx, x, sums);
  normalisation_moments<float>(ctx, sums, 1, {}, {x, x});
  normalisation_coefficients<float>(ctx, in, x, x);
  move_running_statistics<float>(ctx, {x, x}, {x, x});
  scale_shift_activate<float>(ctx, scaled, x);
  scale_shift_backward_sums<float>(ctx, x, scaled, sums);
  normalisation_backward<float>(ctx, sums, 1, {}, in, {x, x, x});
  scale_shift_backward<float>(ctx, x, scaled, x, x, x);
}

/// What networks need beside, with images stored as Real.
template <class Real>
void around(context<cuda>& ctx, view<Real, cuda> x, view<float, cuda> vector, view<double, cuda> sums) {
  concatenate_channels<Real>(ctx, x, x, x);
  split_channels<Real>(ctx, x, x, x);
  add_bias<Real>(ctx, vector, x);
  add_bias_gradient<Real>(ctx, x, vector);
  add_sums_of_images<float>(ctx, sums, 1, vector);
  crop<Real>(ctx, x, x);
  crop_backward<Real>(ctx, x, x);
  to_patches<Real>(ctx, x, 2, x);
  from_patches<Real>(ctx, x, 2, x);
  adaptive_average<Real>(ctx, x, x);
  adaptive_average_backward<Real>(ctx, x, x);
  spatial_mean<Real>(ctx, x, x);
  spatial_mean_backward<Real>(ctx, x, x);
  gate_channels<Real>(ctx, x, x, x);
  gate_channels_backward<Real>(ctx, x, x, x, x, x);
  draw_image_gates<Real>(ctx, vector, {}, x);
  count_pass<float>(ctx, vector);
  layer_norm<Real>(ctx, x, {vector, vector}, x, vector);
  layer_norm_backward<Real>(ctx, x, x, vector, {vector, vector}, x, {vector, vector});
  fill_values(ctx, x, Real(0));
  convert<float, Real>(ctx, x, vector);
  convert<Real, float>(ctx, vector, x);
}
template void around<float>(context<cuda>&, view<float, cuda>, view<float, cuda>, view<double, cuda>);
template void around<bfloat16>(context<cuda>&, view<bfloat16, cuda>, view<float, cuda>, view<double, cuda>);

void resizing(context<cuda>& ctx, view<float, cuda> x, view<std::uint8_t, cuda> winners) {
  max_pool2d<float>(ctx, x, {}, x, winners);
  max_pool2d_backward<float>(ctx, x, winners, {}, x);
  average_pool2d<float>(ctx, x, {}, x);
  average_pool2d_backward<float>(ctx, x, {}, x);
  upsample<float>(ctx, x, interpolation::bilinear, x);
  upsample_backward<float>(ctx, x, interpolation::bilinear, x);
}

void augmentation(context<cuda>& ctx, view<float, cuda> x, view<std::int32_t, cuda> labels) {
  cut_pixels(ctx, {}, x);
  cut_labels(ctx, {}, labels);
}

void optimisers(context<cuda>& ctx, view<const parameter_chunk, cuda> chunks, view<const step_numbers, cuda> now,
                view<double, cuda> norm) {
  gradient_norm(ctx, chunks, 1, norm);
  adamw_step(ctx, chunks, {}, now, norm);
  sgd_step(ctx, chunks, {}, now, norm);
  clear_gradients(ctx, chunks);
  move_average(ctx, chunks, now);
}

void losses(context<cuda>& ctx, const loss_maps<float, cuda>& a, view<double, cuda> result) {
  binary_cross_entropy_loss<float>(ctx, a, result);
  cross_entropy_loss<float>(ctx, a, {}, result);
  image_cross_entropy_loss<float>(ctx, a, {}, result);
  dice_loss<float>(ctx, a, {}, result);
  masked_l1_loss<float>(ctx, a, result);
  masked_l2_loss<float>(ctx, a, result);
  focal_loss<float>(ctx, a, {}, result);
  polar_iou_loss<float>(ctx, a, result);
}

}  // namespace aixcell
