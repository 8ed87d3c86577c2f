#pragma once
#include <utility>

#include <aixcell/layers/conv_norm_act.hpp>

namespace aixcell {

struct separable_unit_options {
  int inputs = 1, outputs = 1;  ///< channels
  int dilation = 1;
};

/// Depthwise 3x3 convolution, 1x1 convolution, batch normalisation, ReLU (Chollet 2017; as DeepLabv3+ uses it).
template <class Device, class Real>
struct separable_unit {
  struct saved {
    typename convolution<Device, Real>::saved depthwise;
    typename conv_norm_act<Device, Real>::saved pointwise;
  };

  separable_unit() = default;
  separable_unit(context<Device>& ctx, const separable_unit_options& o, random_stream& random)
      : depthwise(ctx,
                  {.inputs = o.inputs, .outputs = o.inputs, .dilation = o.dilation, .groups = o.inputs, .bias = false},
                  random),
        pointwise(ctx, {.inputs = o.inputs, .outputs = o.outputs, .kernel = 1}, random) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    const auto y = depthwise.forward(ctx, x, keep ? &keep->depthwise : nullptr);
    return pointwise.forward(ctx, y, keep ? &keep->pointwise : nullptr);
  }
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return depthwise.backward(ctx, pointwise.backward(ctx, std::move(dy), kept.pointwise), kept.depthwise);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("depthwise", self.depthwise);
    visit("pointwise", self.pointwise);
  }

  convolution<Device, Real> depthwise;
  conv_norm_act<Device, Real> pointwise;
};

}  // namespace aixcell
