#pragma once
#include <type_traits>
#include <utility>

#include <aixcell/core/random.hpp>
#include <aixcell/kernels/cpu/channel_gate.hpp>
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
    if constexpr (!std::is_same_v<Device, dry>) {
      random_stream random = random_stream(options.seed).child(static_cast<std::uint64_t>(passes.value[0]));
      const auto kept_share = static_cast<Real>(1 / (1 - static_cast<master_of<Real>>(options.drop)));
      for (index_t n = 0; n < x.extent(0); ++n)
        std::fill_n(keep->gate.slice(n).data(), x.extent(3),
                    random.chance(options.drop) ? Real(0) : kept_share);
    }
    tensor<Real, Device> y(ctx, x.shape());
    gate_channels<Real>(ctx, x, keep->gate, y);
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    if (kept.gate.empty()) return dy;
    tensor<Real, Device> dx(ctx, dy.shape());
    gate_channels<Real>(ctx, dy, kept.gate, dx);
    if constexpr (!std::is_same_v<Device, dry>) passes.value[0] += 1;
    kept = {};
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) { visit("passes", self.passes); }

  stochastic_depth_options options;
  buffer<Device, Real> passes;  ///< [1], backward passes so far; empty if nothing is dropped
};

}  // namespace aixcell
