#pragma once
#include <utility>

#include <aixcell/kernels/normalisation.hpp>
#include <aixcell/layers/parameter.hpp>

namespace aixcell {

/// What follows a normalisation in the same pass: y = act(normalised + residual).
template <class Real, class Device>
struct normalisation_epilogue {
  tensor<Real, Device> residual;  ///< as x, or empty
  activation act = activation::none;
};

/// What comes back from it.
template <class Real, class Device>
struct residual_gradients {
  tensor<Real, Device> dx;
  tensor<Real, Device> dresidual;  ///< empty without a residual
};

/// What batch and group normalisation share: weight * (x - mean) / sqrt(variance + epsilon) + bias, with the mean and
/// variance of x itself over a scope. Keeps x, the residual and [M,C] statistics; the output is not kept but computed
/// again on the way back.
template <class Device, class Real>
struct normalisation {
  struct saved {
    tensor<Real, Device> x;
    tensor<master_of<Real>, Device> mean, variance, scale, shift;
    normalisation_epilogue<Real, Device> epilogue;

    scaled_input<Real, Device> input() const {
      return {.x = x, .scale = scale, .shift = shift, .residual = epilogue.residual, .act = epilogue.act};
    }
  };

  normalisation() = default;
  normalisation(context<Device>& ctx, int channels, double epsilon_)
      : weight(constant_parameter<Device, Real>(ctx, {channels}, 1)),
        bias(constant_parameter<Device, Real>(ctx, {channels}, 0)),
        epsilon(epsilon_) {}

  /// What the way back needs, and y is computed from. `sums` [N,2,C] of x, as channel_sums gives them.
  saved prepared(context<Device>& ctx, const tensor<Real, Device>& x, const tensor<double, Device>& sums,
                 normalisation_scope scope, const normalisation_epilogue<Real, Device>& epilogue) const {
    const shape coefficients{x.extent(0) / scope.images, x.extent(3)};
    saved s{x, {ctx, coefficients}, {ctx, coefficients}, {ctx, coefficients}, {ctx, coefficients}, epilogue};
    normalisation_moments<master_of<Real>>(ctx, sums, x.extent(1) * x.extent(2), scope, {s.mean, s.variance});
    normalisation_coefficients<master_of<Real>>(ctx, inputs(s.mean, s.variance), s.scale, s.shift);
    return s;
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, const tensor<double, Device>& sums,
                               normalisation_scope scope, const normalisation_epilogue<Real, Device>& epilogue,
                               saved* keep) const {
    saved s = prepared(ctx, x, sums, scope, epilogue);
    auto y = activated(ctx, s);
    if (keep) {
      // With a residual y is mostly what the next block keeps with its elements, as a residual of its own.
      if (ctx.settings().recompute == recomputation::selective && epilogue.residual.empty())
        y.made_by([s](context<Device>& again) { return activated(again, s); });
      *keep = std::move(s);
    }
    return y;
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, normalisation_scope scope,
                               const normalisation_epilogue<Real, Device>& epilogue, saved* keep) const {
    tensor<double, Device> sums(ctx, {x.extent(0), 2, x.extent(3)});
    channel_sums<Real>(ctx, x, sums);
    return forward(ctx, x, sums, scope, epilogue, keep);
  }

  residual_gradients<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, normalisation_scope scope,
                                            saved& kept) {
    const index_t images = dy.extent(0), channels = dy.extent(3);
    tensor<double, Device> sums(ctx, {images, 2, channels});
    scale_shift_backward_sums<Real>(ctx, dy, kept.input(), sums);
    tensor<master_of<Real>, Device> factors(ctx, {images / scope.images, 3, channels});
    normalisation_backward<master_of<Real>>(ctx, sums, dy.extent(1) * dy.extent(2), scope, inputs(kept.mean, kept.variance),
                                 {weight.gradient, bias.gradient, factors});
    // Where nobody else has dy, dx takes its place.
    residual_gradients<Real, Device> out{dy.is_sole_owner() ? dy : tensor<Real, Device>(ctx, dy.shape()), {}};
    if (!kept.epilogue.residual.empty()) out.dresidual = tensor<Real, Device>(ctx, dy.shape());
    scale_shift_backward<Real>(ctx, dy, kept.input(), factors, out.dx, out.dresidual);
    kept = {};
    return out;
  }

  normalisation_inputs<master_of<Real>, Device> inputs(const tensor<master_of<Real>, Device>& mean,
                                                       const tensor<master_of<Real>, Device>& variance) const {
    return {.mean = mean, .variance = variance, .weight = weight.value, .bias = bias.value, .epsilon = epsilon};
  }

  parameter<Device, Real> weight;  ///< [channels], 1 at first
  parameter<Device, Real> bias;    ///< [channels], 0 at first
  double epsilon = 1e-5;

 private:
  static tensor<Real, Device> activated(context<Device>& ctx, const saved& s) {
    tensor<Real, Device> y(ctx, s.x.shape());
    scale_shift_activate<Real>(ctx, s.input(), y);
    return y;
  }
};

}  // namespace aixcell
