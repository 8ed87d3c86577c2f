#pragma once
#include <optional>
#include <utility>

#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/pooling.hpp>
#include <aixcell/layers/series.hpp>

namespace aixcell::detail {

/// A maximum over 2x2 pixels, unless the stage is the first, and convolutions of one width.
template <class Device, class Real>
struct plain_stage {
  using unit = conv_norm_act<Device, Real>;
  using pooling = max_pooling<Device, Real>;

  struct saved {
    typename pooling::saved pool;
    typename series<unit>::saved units;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    return units.forward(ctx, pool ? pool->forward(ctx, x, keep ? &keep->pool : nullptr) : x,
                         keep ? &keep->units : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    dy = units.backward(ctx, std::move(dy), kept.units);
    return pool ? pool->backward(ctx, std::move(dy), kept.pool) : dy;
  }

  std::optional<pooling> pool;
  series<unit> units;
};

}  // namespace aixcell::detail
