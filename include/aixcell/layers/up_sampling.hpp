#pragma once
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/upsample.hpp>

namespace aixcell {

/// Height and width of an image in pixels.
struct image_size {
  index_t height = 1;
  index_t width = 1;
};

inline image_size size_of(const shape& x) { return {x[1], x[2]}; }

/// What is left of an image after halving, rounded up, down to a stride.
constexpr image_size size_at_stride(image_size image, index_t stride) {
  return {(image.height + stride - 1) / stride, (image.width + stride - 1) / stride};
}

/// Resizes images [N,H,W,C] to any given size: what a decoder does to reach the exact size of a skip connection.
template <class Device, class Real>
struct up_sampling {
  struct saved {
    shape x;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, image_size to, saved* keep) const {
    require_rank("up_sampling", 4, "an image batch [N,H,W,C]", x.shape());
    tensor<Real, Device> y(ctx, {x.extent(0), to.height, to.width, x.extent(3)});
    upsample<Real>(ctx, x, mode, y);
    if (keep) keep->x = x.shape();
    return y;
  }

  /// By `factor` in both directions.
  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("up_sampling", 4, "an image batch [N,H,W,C]", x.shape());
    return forward(ctx, x, {factor * x.extent(1), factor * x.extent(2)}, keep);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) const {
    tensor<Real, Device> dx(ctx, kept.x);
    upsample_backward<Real>(ctx, dy, mode, dx);
    return dx;
  }

  static void for_each_member(auto&, auto&&) {}

  interpolation mode = interpolation::nearest;
  int factor = 2;
};

}  // namespace aixcell
