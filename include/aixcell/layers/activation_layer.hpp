#pragma once
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

/// y = act(x), any shape. Keeps x.
template <class Device, class Real>
struct activation_layer {
  struct saved {
    tensor<Real, Device> x;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    tensor<Real, Device> y(ctx, x.shape());
    apply_activation<Real>(ctx, x, act, y);
    if (keep) keep->x = x;
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) const {
    tensor<Real, Device> dx(ctx, dy.shape());
    activation_backward<Real>(ctx, dy, kept.x, act, dx);
    kept = {};
    return dx;
  }

  static void for_each_member(auto&, auto&&) {}

  activation act = activation::relu;
};

}  // namespace aixcell
