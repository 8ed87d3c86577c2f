#pragma once
#include <utility>

#include <aixcell/kernels/channel_gate.hpp>
#include <aixcell/layers/parameter.hpp>

namespace aixcell {

struct stochastic_depth_options {
  float drop = 0;          ///< probability that an image skips the branch, in [0,1)
  std::uint64_t seed = 0;  ///< of this layer's choices
};

/// Training: a branch of a residual network counts for an image with probability 1 - drop, and then 1 / (1 - drop) times
/// (Huang et al. 2016, as torchvision's StochasticDepth in mode "row"); inference: nothing happens. Which images are
/// dropped follows from the seed and the number of backward passes, which is stored with the model: a resumed training
/// makes the choices of an uninterrupted one.
template <class Device, class Real>
struct stochastic_depth {
  struct saved {
    tensor<Real, Device> gate;  ///< [N,1,1,C], empty if nothing is dropped
  };

  stochastic_depth() = default;
  stochastic_depth(context<Device>& ctx, const stochastic_depth_options& o) : options(o) {
    if (o.drop > 0) passes.value = tensor<master_of<Real>, Device>::zeros(ctx, {1});
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    if (!keep || options.drop <= 0) return x;
    keep->gate = tensor<Real, Device>(ctx, {x.extent(0), 1, 1, x.extent(3)});
    draw_image_gates<Real>(ctx, passes.value, {.drop = options.drop, .seed = options.seed}, keep->gate);
    tensor<Real, Device> y(ctx, x.shape());
    gate_channels<Real>(ctx, x, keep->gate, y);
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    if (kept.gate.empty()) return dy;
    tensor<Real, Device> dx(ctx, dy.shape());
    gate_channels<Real>(ctx, dy, kept.gate, dx);
    count_pass<master_of<Real>>(ctx, passes.value);
    kept = {};
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) { visit("passes", self.passes); }

  stochastic_depth_options options;
  buffer<Device, Real> passes;  ///< [1], backward passes so far; empty if nothing is dropped
};

}  // namespace aixcell
