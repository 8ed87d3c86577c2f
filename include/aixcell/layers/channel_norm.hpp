#pragma once
#include <utility>

#include <aixcell/kernels/layer_norm.hpp>
#include <aixcell/layers/parameter.hpp>

namespace aixcell {

struct channel_norm_options {
  int channels = 1;
  double epsilon = 1e-6;
};

/// Layer normalisation over the channels of each pixel (torchvision's LayerNorm2d): [N,H,W,C] to the same. Keeps its
/// input and two values a pixel. Inference and training compute the same.
template <class Device, class Real>
struct channel_norm {
  struct saved {
    tensor<Real, Device> x;
    tensor<master_of<Real>, Device> statistics;
  };

  channel_norm() = default;
  channel_norm(context<Device>& ctx, const channel_norm_options& o)
      : weight(constant_parameter<Device, Real>(ctx, {o.channels}, 1)),
        bias(constant_parameter<Device, Real>(ctx, {o.channels}, 0)),
        epsilon(o.epsilon) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("channel_norm", 4, "an image batch [N,H,W,C]", x.shape());
    tensor<Real, Device> y(ctx, x.shape());
    tensor<master_of<Real>, Device> statistics(ctx, {x.extent(0), x.extent(1), x.extent(2), 2});
    layer_norm<Real>(ctx, x, parameters(), y, statistics);
    if (keep) *keep = {x, std::move(statistics)};
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    tensor<Real, Device> dx(ctx, dy.shape());
    layer_norm_backward<Real>(ctx, dy, kept.x, kept.statistics, parameters(), dx, {weight.gradient, bias.gradient});
    kept = {};
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }

  parameter<Device, Real> weight, bias;  ///< [channels]
  double epsilon = 1e-6;

 private:
  layer_norm_parameters<master_of<Real>, Device> parameters() const { return {weight.value, bias.value, epsilon}; }
};

}  // namespace aixcell
