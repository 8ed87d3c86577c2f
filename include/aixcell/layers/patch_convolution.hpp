#pragma once
#include <utility>

#include <aixcell/kernels/patches.hpp>
#include <aixcell/layers/linear.hpp>

namespace aixcell {

struct patch_convolution_options {
  int inputs = 1, outputs = 1;  ///< channels
  int size = 2;                 ///< edge of the filter and stride
  bool input_gradient = true;   ///< false for the first layer of a network
};

/// Convolution of patches that do not overlap (Dosovitskiy et al. 2021; Liu et al. 2022), with bias:
/// [N,H,W,inputs] to [N,ceil(H/size),ceil(W/size),outputs], zeros beyond the image. Keeps its input's patches.
template <class Device, class Real>
struct patch_convolution {
  struct saved {
    shape x;
    typename linear<Device, Real>::saved map;
  };

  patch_convolution() = default;
  patch_convolution(context<Device>& ctx, const patch_convolution_options& o, random_stream& random)
      : map(ctx, {o.outputs, o.size, o.size, o.inputs}, random, o.input_gradient), size(o.size) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    require_rank("patch_convolution", 4, "an image batch [N,H,W,C]", x.shape());
    tensor<Real, Device> patches(ctx, patches_shape(x.shape(), size));
    to_patches<Real>(ctx, x, size, patches);
    if (keep) keep->x = x.shape();
    return map.forward(ctx, patches, keep ? &keep->map : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    const auto dpatches = map.backward(ctx, std::move(dy), kept.map);
    if (dpatches.empty()) return {};
    tensor<Real, Device> dx(ctx, kept.x);
    from_patches<Real>(ctx, dpatches, size, dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) { linear<Device, Real>::for_each_member(self.map, visit); }

  linear<Device, Real> map;  ///< of a patch's values; weight [outputs,size,size,inputs]
  index_t size = 2;
};

}  // namespace aixcell
