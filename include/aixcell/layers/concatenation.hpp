#pragma once
#include <utility>

#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/channels.hpp>

namespace aixcell {

/// Channels of two images of one size behind each other: [N,H,W,A], [N,H,W,B] to [N,H,W,A+B].
template <class Device, class Real>
struct concatenation {
  struct saved {
    index_t left = 0, right = 0;  ///< channels
  };
  struct gradients {
    tensor<Real, Device> da, db;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& a, const tensor<Real, Device>& b,
                               saved* keep) const {
    require_rank("concatenation", 4, "an image batch [N,H,W,C]", a.shape());
    require_rank("concatenation", 4, "an image batch [N,H,W,C]", b.shape());
    tensor<Real, Device> y(ctx, {a.extent(0), a.extent(1), a.extent(2), a.extent(3) + b.extent(3)});
    concatenate_channels<Real>(ctx, a, b, y);
    if (keep) *keep = {a.extent(3), b.extent(3)};
    return y;
  }

  gradients backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) const {
    shape left = dy.shape(), right = dy.shape();
    left[3] = kept.left;
    right[3] = kept.right;
    gradients d{{ctx, left}, {ctx, right}};
    split_channels<Real>(ctx, dy, d.da, d.db);
    return d;
  }

  static void for_each_member(auto&, auto&&) {}
};

}  // namespace aixcell
