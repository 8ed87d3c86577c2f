#pragma once
#include <aixcell/layers/normalisation.hpp>

namespace aixcell {

struct batch_norm_options {
  int channels = 1;
  double momentum = 0.1;  ///< share of a batch in the running statistics
  double epsilon = 1e-5;
};

/// A channel's filter scale and bias.
template <class Device, class Real>
struct folded_norm {
  tensor<master_of<Real>, Device> scale;  ///< [C]
  tensor<master_of<Real>, Device> shift;  ///< [C]
};

/// Batch normalisation (Ioffe and Szegedy 2015): each channel to mean 0 and variance 1 over the batch, then a learned
/// scale and shift. Inference uses running statistics, which `backward` moves (unbiased variance, as in PyTorch).
template <class Device, class Real>
struct batch_norm {
  using master = tensor<master_of<Real>, Device>;
  using saved = typename normalisation<Device, Real>::saved;
  using epilogue = normalisation_epilogue<Real, Device>;

  batch_norm() = default;
  batch_norm(context<Device>& ctx, const batch_norm_options& o, random_stream&)
      : norm(ctx, o.channels, o.epsilon), momentum(o.momentum) {
    running_mean.value = master(ctx, {o.channels});
    fill_values(ctx, running_mean.value.as_view(), 0);
    running_variance.value = master(ctx, {o.channels});
    fill_values(ctx, running_variance.value.as_view(), 1);
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    return forward(ctx, x, epilogue{}, keep);
  }
  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, const epilogue& e,
                               saved* keep) const {
    require_rank("batch_norm", 4, "an image batch [N,H,W,C]", x.shape());
    if (keep) return norm.forward(ctx, x, {.images = x.extent(0), .channels = 1}, e, keep);
    const auto f = folded(ctx);
    const shape row{1, x.extent(3)};
    tensor<Real, Device> y(ctx, x.shape());
    const auto scale = f.scale.reshaped(row), shift = f.shift.reshaped(row);
    scale_shift_activate<Real>(ctx, {.x = x, .scale = scale, .shift = shift, .residual = e.residual, .act = e.act}, y);
    return y;
  }

  /// Training, with the sums [N,2,C] of x that whoever wrote x had at hand.
  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, const tensor<double, Device>& sums,
                               const epilogue& e, saved* keep) const {
    return norm.forward(ctx, x, sums, {.images = x.extent(0), .channels = 1}, e, keep);
  }
  /// What training keeps, without y.
  saved prepared(context<Device>& ctx, const tensor<Real, Device>& x, const tensor<double, Device>& sums,
                 const epilogue& e) const {
    return norm.prepared(ctx, x, sums, {.images = x.extent(0), .channels = 1}, e);
  }

  /// What inference multiplies and adds.
  folded_norm<Device, Real> folded(context<Device>& ctx) const {
    const index_t channels = running_mean.value.size();
    const shape row{1, channels};
    master scale(ctx, row), shift(ctx, row);
    const auto mean = running_mean.value.reshaped(row), variance = running_variance.value.reshaped(row);
    normalisation_coefficients<master_of<Real>>(ctx, norm.inputs(mean, variance), scale, shift);
    return {scale.reshaped({channels}), shift.reshaped({channels})};
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return backward_residual(ctx, std::move(dy), kept).dx;
  }
  residual_gradients<Real, Device> backward_residual(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    const index_t count = dy.size() / dy.extent(3);
    const shape row{1, dy.extent(3)};
    move_running_statistics<master_of<Real>>(
        ctx, {kept.mean, kept.variance, count, momentum},
        {running_mean.value.as_view().reshaped(row), running_variance.value.as_view().reshaped(row)});
    const normalisation_scope scope{.images = dy.extent(0), .channels = 1};
    return norm.backward(ctx, std::move(dy), scope, kept);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("weight", self.norm.weight);
    visit("bias", self.norm.bias);
    visit("running_mean", self.running_mean);
    visit("running_var", self.running_variance);
  }

  normalisation<Device, Real> norm;
  buffer<Device, Real> running_mean;      ///< [channels]
  buffer<Device, Real> running_variance;  ///< [channels]
  double momentum = 0.1;
};

}  // namespace aixcell
