#pragma once
#include <utility>

#include <aixcell/layers/convolution.hpp>

namespace aixcell {

/// The same affine map of the channels of every pixel: [N,H,W,inputs] to [N,H,W,outputs]. What a 1x1 convolution
/// computes, with the weight of a matrix, as in torch.nn.Linear. Keeps its input.
template <class Device, class Real>
struct linear {
  struct saved {
    tensor<Real, Device> x;
  };

  linear() = default;
  /// `extents` of the weight: outputs first, the rest are the inputs in their order, however they are counted.
  linear(context<Device>& ctx, const shape& extents, random_stream& random, bool wants_input_gradient = true)
      : weight(he_parameter<Device, Real>(ctx, extents, extents.count() / extents[0], random)),
        bias(constant_parameter<Device, Real>(ctx, {extents[0]}, 0)),
        input_gradient(wants_input_gradient) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("linear", 4, "an image batch [N,H,W,C]", x.shape());
    const auto filter = as_filter(weight.value);
    tensor<Real, Device> y(ctx, conv2d_output_shape(x.shape(), filter.shape(), {}));
    conv2d<Real>(ctx, x, filter, {}, conv2d_epilogue<Real, Device>{.bias = bias.value, .scale = {}, .residual = {}}, y);
    if (keep) keep->x = x.for_later();
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    auto filter_gradient = as_filter(weight.gradient);
    const shape extents = kept.x.shape();
    conv2d_backward_filter<Real>(ctx, std::exchange(kept.x, {}).restored(ctx), dy, {}, filter_gradient);
    add_bias_gradient<Real>(ctx, dy, bias.gradient);
    if (!input_gradient) return {};
    tensor<Real, Device> dx(ctx, extents);
    conv2d_backward_data<Real>(ctx, dy, as_filter(weight.value), {}, dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }

  parameter<Device, Real> weight;  ///< [outputs,inputs], or [outputs,...] with as many
  parameter<Device, Real> bias;    ///< [outputs]
  bool input_gradient = true;      ///< false for the first layer of a network: backward returns an empty tensor

 private:
  static auto as_filter(const tensor<master_of<Real>, Device>& matrix) {
    return matrix.reshaped({matrix.extent(0), 1, 1, matrix.size() / matrix.extent(0)});
  }
};

}  // namespace aixcell
