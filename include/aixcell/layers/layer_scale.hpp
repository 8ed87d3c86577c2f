#pragma once
#include <utility>

#include <aixcell/kernels/normalisation.hpp>
#include <aixcell/layers/parameter.hpp>

namespace aixcell {

/// Every channel times a learned factor that starts small, so that a deep network starts near the identity (Touvron et
/// al. 2021). Keeps its input.
template <class Device, class Real>
struct layer_scale {
  using master = tensor<master_of<Real>, Device>;

  struct saved {
    tensor<Real, Device> x;
  };

  layer_scale() = default;
  layer_scale(context<Device>& ctx, int channels, double initial = 1e-6)
      : factor(constant_parameter<Device, Real>(ctx, {channels, 1, 1}, static_cast<master_of<Real>>(initial))) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    const index_t channels = factor.value.size();
    const auto scale = factor.value.reshaped({1, channels}), shift = master::zeros(ctx, {1, channels});
    tensor<Real, Device> y(ctx, x.shape());
    scale_shift_activate<Real>(ctx, input(x, scale, shift), y);
    if (keep) keep->x = x.for_later();
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    const index_t channels = factor.value.size();
    const auto scale = factor.value.reshaped({1, channels}), shift = master::zeros(ctx, {1, channels});
    tensor<double, Device> sums(ctx, {dy.extent(0), 2, channels});
    const auto x = std::exchange(kept.x, {}).restored(ctx);
    scale_shift_backward_sums<Real>(ctx, dy, input(x, scale, shift), sums);
    tensor<Real, Device> dx(ctx, dy.shape());
    scale_shift_activate<Real>(ctx, input(dy, scale, shift), dx);
    add_sums_of_images<master_of<Real>>(ctx, sums, 1, factor.gradient);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) { visit("factor", self.factor); }

  parameter<Device, Real> factor;  ///< [channels,1,1], as torchvision stores it

 private:
  static scaled_input<Real, Device> input(const tensor<Real, Device>& x, const master& scale, const master& shift) {
    return {.x = x, .scale = scale, .shift = shift, .residual = {}, .act = activation::none};
  }
};

}  // namespace aixcell
