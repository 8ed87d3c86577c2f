#pragma once
#include <utility>

#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell {

/// y = x + body(x), for a body that gives back the shape it takes (He et al. 2016, fig. 2).
template <class Body>
struct residual {
  using saved = typename Body::saved;

  template <class Real, class Device>
  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto y = body.forward(ctx, x, keep);
    accumulate<Real>(ctx, x, y);
    return y;
  }

  template <class Real, class Device>
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    auto dx = body.backward(ctx, dy, kept);
    accumulate<Real>(ctx, dy, dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) { visit("body", self.body); }

  Body body;
};

}  // namespace aixcell
