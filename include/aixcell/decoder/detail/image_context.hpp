#pragma once
#include <utility>

#include <aixcell/kernels/adaptive_pool.hpp>
#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell::detail {

/// What the whole image says at every pixel: the mean, a 1x1 convolution and ReLU, spread over the image again. Without
/// batch normalisation, which needs more than one value an image.
template <class Device, class Real>
struct image_context {
  struct saved {
    shape x;
    typename convolution<Device, Real>::saved conv;
    typename activation_layer<Device, Real>::saved act;
    typename up_sampling<Device, Real>::saved spread;
  };

  image_context() = default;
  image_context(context<Device>& ctx, int inputs, int outputs, random_stream& random)
      : conv(ctx, {.inputs = inputs, .outputs = outputs, .kernel = 1}, random) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    tensor<Real, Device> mean(ctx, {x.extent(0), 1, 1, x.extent(3)});
    adaptive_average<Real>(ctx, x, mean);
    if (keep) keep->x = x.shape();
    auto y = conv.forward(ctx, mean, keep ? &keep->conv : nullptr);
    y = relu.forward(ctx, y, keep ? &keep->act : nullptr);
    return bilinear.forward(ctx, y, size_of(x.shape()), keep ? &keep->spread : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    dy = relu.backward(ctx, bilinear.backward(ctx, std::move(dy), kept.spread), kept.act);
    dy = conv.backward(ctx, std::move(dy), kept.conv);
    tensor<Real, Device> dx(ctx, kept.x);
    adaptive_average_backward<Real>(ctx, dy, dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) { self.conv.for_each_member(self.conv, visit); }

  convolution<Device, Real> conv;
  activation_layer<Device, Real> relu{activation::relu};
  up_sampling<Device, Real> bilinear{interpolation::bilinear};
};

}  // namespace aixcell::detail
