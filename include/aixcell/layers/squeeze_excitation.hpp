#pragma once
#include <utility>

#include <aixcell/kernels/channel_gate.hpp>
#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/convolution.hpp>

namespace aixcell {

struct squeeze_excitation_options {
  int channels = 1;
  int squeezed = 1;                   ///< channels between the two convolutions
  activation act = activation::relu;  ///< there
};

/// Squeeze-and-excitation (Hu et al. 2018, eq. 2-4): every channel times a factor in (0,1), which two 1x1 convolutions
/// find from the means of all channels. Keeps its input.
template <class Device, class Real>
struct squeeze_excitation {
  struct saved {
    tensor<Real, Device> x, gate;
    typename convolution<Device, Real>::saved reduce, expand;
    typename activation_layer<Device, Real>::saved inner, outer;
  };

  squeeze_excitation() = default;
  squeeze_excitation(context<Device>& ctx, const squeeze_excitation_options& o, random_stream& random)
      : reduce(ctx, {.inputs = o.channels, .outputs = o.squeezed, .kernel = 1}, random),
        expand(ctx, {.inputs = o.squeezed, .outputs = o.channels, .kernel = 1}, random),
        inner{o.act} {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("squeeze_excitation", 4, "an image batch [N,H,W,C]", x.shape());
    tensor<Real, Device> gate(ctx, {x.extent(0), 1, 1, x.extent(3)});
    spatial_mean<Real>(ctx, x, gate);
    gate = reduce.forward(ctx, gate, keep ? &keep->reduce : nullptr);
    gate = inner.forward(ctx, gate, keep ? &keep->inner : nullptr);
    gate = expand.forward(ctx, gate, keep ? &keep->expand : nullptr);
    gate = outer.forward(ctx, gate, keep ? &keep->outer : nullptr);
    auto y = gated(ctx, x, gate);
    if (keep) {
      keep->x = x.for_later();
      if (ctx.settings().recompute == recomputation::selective)
        y.made_by([x = keep->x, gate](context<Device>& again) { return gated(again, x.restored(again), gate); });
      keep->gate = std::move(gate);
    }
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    tensor<Real, Device> dx(ctx, dy.shape()), dgate(ctx, kept.gate.shape());
    gate_channels_backward<Real>(ctx, dy, std::exchange(kept.x, {}).restored(ctx), kept.gate, dx, dgate);
    dgate = outer.backward(ctx, std::move(dgate), kept.outer);
    dgate = expand.backward(ctx, std::move(dgate), kept.expand);
    dgate = inner.backward(ctx, std::move(dgate), kept.inner);
    dgate = reduce.backward(ctx, std::move(dgate), kept.reduce);
    spatial_mean_backward<Real>(ctx, dgate, dx);
    kept = {};
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("fc1", self.reduce);
    visit("fc2", self.expand);
  }

  convolution<Device, Real> reduce, expand;
  activation_layer<Device, Real> inner{activation::relu}, outer{activation::sigmoid};

 private:
  static tensor<Real, Device> gated(context<Device>& ctx, const tensor<Real, Device>& x, const tensor<Real, Device>& gate) {
    tensor<Real, Device> y(ctx, x.shape());
    gate_channels<Real>(ctx, x, gate, y);
    return y;
  }
};

}  // namespace aixcell
