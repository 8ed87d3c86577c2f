#pragma once
#include <aixcell/kernels/channels.hpp>
#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/layers/parameter.hpp>

namespace aixcell {

struct transposed_convolution_options {
  int inputs = 1;   ///< channels
  int outputs = 1;  ///< channels
  int kernel = 2;   ///< edge of the filter, at least the stride
  int stride = 2;
  bool bias = true;
};

/// The adjoint of a convolution, which enlarges: [N,H,W,inputs] to [N,stride*H,stride*W,outputs]. Its filter is that of
/// the convolution it is the adjoint of. Keeps its input.
template <class Device, class Real>
struct transposed_convolution {
  struct saved {
    tensor<Real, Device> x;
  };

  transposed_convolution() = default;
  transposed_convolution(context<Device>& ctx, const transposed_convolution_options& o, random_stream& random)
      : weight(he_parameter<Device, Real>(ctx, {o.inputs, o.kernel, o.kernel, o.outputs},
                                          index_t{o.kernel} * o.kernel * o.inputs / (index_t{o.stride} * o.stride),
                                          random)),
        geometry{.stride = o.stride, .padding = (o.kernel - o.stride + 1) / 2} {
    if (o.bias) bias = constant_parameter<Device, Real>(ctx, {o.outputs}, 0);
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("transposed_convolution", 4, "an image batch [N,H,W,C]", x.shape());
    auto y = enlarged(ctx, x, weight.value, bias.value, geometry);
    if (keep) {
      keep->x = x.for_later();
      // Little arithmetic for the largest image of a decoder's step.
      if (ctx.settings().recompute != recomputation::none)
        y.made_by([x = keep->x, filter = weight.value, bias = bias.value, g = geometry](context<Device>& again) {
          return enlarged(again, x.restored(again), filter, bias, g);
        });
    }
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    const shape extents = kept.x.shape();
    conv2d_backward_filter<Real>(ctx, dy, std::exchange(kept.x, {}).restored(ctx), geometry, weight.gradient);
    if (!bias.value.empty()) add_bias_gradient<Real>(ctx, dy, bias.gradient);
    tensor<Real, Device> dx(ctx, extents);
    conv2d<Real>(ctx, dy, weight.value, geometry, {}, dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }

  parameter<Device, Real> weight;  ///< [inputs,kernel,kernel,outputs]
  parameter<Device, Real> bias;    ///< [outputs] or empty
  conv2d_geometry geometry;

 private:
  using master = tensor<master_of<Real>, Device>;

  static tensor<Real, Device> enlarged(context<Device>& ctx, const tensor<Real, Device>& x, const master& filter,
                                       const master& bias, conv2d_geometry g) {
    tensor<Real, Device> y(ctx, {x.extent(0), x.extent(1) * g.stride, x.extent(2) * g.stride, filter.extent(3)});
    conv2d_backward_data<Real>(ctx, x, filter, g, y);
    if (!bias.empty()) add_bias<Real>(ctx, bias, y);
    return y;
  }
};

}  // namespace aixcell
