#pragma once
#include <cmath>

#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/gradient_check.hpp>
#include "layers/random_tensor.hpp"

namespace aixcell {

/// An encoder as a layer with one output, so that gradient_check takes it: all levels in one row [1,1,1,all].
template <class Enc, class Device, class Real>
struct encoder_layer {
  struct saved {
    typename Enc::template network<Device, Real>::saved network;
    std::vector<shape> levels;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    const auto levels = network.forward(ctx, x, keep ? &keep->network : nullptr);
    std::vector<Real> row;
    for (const auto& level : levels) {
      row.insert(row.end(), level.begin(), level.end());
      if (keep) keep->levels.push_back(level.shape());
    }
    tensor<Real, Device> y(ctx, {1, 1, 1, static_cast<index_t>(row.size())});
    std::copy(row.begin(), row.end(), y.begin());
    return y;
  }

  void backward(context<Device>& ctx, const tensor<Real, Device>& dy, saved& kept) {
    std::vector<tensor<Real, Device>> dlevels;
    const Real* from = dy.data();
    for (const shape& s : kept.levels) {
      dlevels.emplace_back(ctx, s);
      std::copy_n(from, s.count(), dlevels.back().begin());
      from += s.count();
    }
    network.backward(ctx, std::move(dlevels), kept.network);
  }

  static void for_each_member(auto& self, auto&& visit) { visit("network", self.network); }

  typename Enc::template network<Device, Real> network;
};

}  // namespace aixcell
