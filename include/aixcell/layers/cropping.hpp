#pragma once
#include <aixcell/kernels/crop.hpp>
#include <aixcell/layers/up_sampling.hpp>

namespace aixcell {

/// Cuts images [N,H,W,C] to a size at their lower and right border: what a doubled image needs to meet a skip connection
/// of odd size.
template <class Device, class Real>
struct cropping {
  struct saved {
    shape x;  ///< empty if nothing was cut
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, image_size to, saved* keep) const {
    require_rank("cropping", 4, "an image batch [N,H,W,C]", x.shape());
    if (keep) *keep = {};
    if (x.extent(1) == to.height && x.extent(2) == to.width) return x;
    tensor<Real, Device> y(ctx, {x.extent(0), to.height, to.width, x.extent(3)});
    crop<Real>(ctx, x, y);
    if (keep) keep->x = x.shape();
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) const {
    if (kept.x.rank() == 0) return dy;
    tensor<Real, Device> dx(ctx, kept.x);
    crop_backward<Real>(ctx, dy, dx);
    return dx;
  }

  static void for_each_member(auto&, auto&&) {}
};

}  // namespace aixcell
