#pragma once
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/pool2d.hpp>

namespace aixcell {

/// The maximum of each window: [N,H,W,C] to [N,ceil(H/stride),ceil(W/stride),C]. Keeps one byte per output.
template <class Device, class Real>
struct max_pooling {
  struct saved {
    shape x;
    tensor<std::uint8_t, Device> winners;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("max_pooling", 4, "an image batch [N,H,W,C]", x.shape());
    tensor<Real, Device> y(ctx, pool2d_output_shape(x.shape(), geometry));
    tensor<std::uint8_t, Device> winners;
    if (keep) winners = tensor<std::uint8_t, Device>(ctx, y.shape());
    max_pool2d<Real>(ctx, x, geometry, y, winners);
    if (keep) *keep = {x.shape(), std::move(winners)};
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) const {
    tensor<Real, Device> dx(ctx, kept.x);
    max_pool2d_backward<Real>(ctx, dy, kept.winners, geometry, dx);
    kept = {};
    return dx;
  }

  static void for_each_member(auto&, auto&&) {}

  pool2d_geometry geometry;
};

/// The mean of the part of each window that lies in the image: [N,H,W,C] to [N,ceil(H/stride),ceil(W/stride),C].
template <class Device, class Real>
struct average_pooling {
  struct saved {
    shape x;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("average_pooling", 4, "an image batch [N,H,W,C]", x.shape());
    tensor<Real, Device> y(ctx, pool2d_output_shape(x.shape(), geometry));
    average_pool2d<Real>(ctx, x, geometry, y);
    if (keep) keep->x = x.shape();
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) const {
    tensor<Real, Device> dx(ctx, kept.x);
    average_pool2d_backward<Real>(ctx, dy, geometry, dx);
    return dx;
  }

  static void for_each_member(auto&, auto&&) {}

  pool2d_geometry geometry;
};

}  // namespace aixcell
