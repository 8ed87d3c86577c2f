#pragma once
#include <utility>

#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell::detail {

/// How decoders that end at a coarse resolution reach the image's: a 1x1 convolution to few channels, then bilinear
/// enlargement. The two commute; in this order the arithmetic is done on few pixels.
template <class Device, class Real>
struct to_image {
  struct saved {
    typename convolution<Device, Real>::saved conv;
    typename up_sampling<Device, Real>::saved up;
  };

  to_image() = default;
  to_image(context<Device>& ctx, int inputs, int outputs, random_stream& random)
      : conv(ctx, {.inputs = inputs, .outputs = outputs, .kernel = 1}, random) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, image_size image,
                               saved* keep) const {
    const auto y = conv.forward(ctx, x, keep ? &keep->conv : nullptr);
    return bilinear.forward(ctx, y, image, keep ? &keep->up : nullptr);
  }
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return conv.backward(ctx, bilinear.backward(ctx, std::move(dy), kept.up), kept.conv);
  }

  static void for_each_member(auto& self, auto&& visit) { self.conv.for_each_member(self.conv, visit); }

  convolution<Device, Real> conv;
  up_sampling<Device, Real> bilinear{interpolation::bilinear};
};

}  // namespace aixcell::detail
