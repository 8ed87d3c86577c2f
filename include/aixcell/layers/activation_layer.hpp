#pragma once
#include <utility>

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
    auto y = activated(ctx, x, act);
    if (keep) {
      keep->x = x.for_later();
      if (ctx.settings().recompute == recomputation::selective)
        y.made_by([x = keep->x, act = act](context<Device>& again) { return activated(again, x.restored(again), act); });
    }
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) const {
    tensor<Real, Device> dx(ctx, dy.shape());
    activation_backward<Real>(ctx, dy, std::exchange(kept.x, {}).restored(ctx), act, dx);
    return dx;
  }

  static void for_each_member(auto&, auto&&) {}

  activation act = activation::relu;

 private:
  static tensor<Real, Device> activated(context<Device>& ctx, const tensor<Real, Device>& x, activation act) {
    tensor<Real, Device> y(ctx, x.shape());
    apply_activation<Real>(ctx, x, act, y);
    return y;
  }
};

}  // namespace aixcell
