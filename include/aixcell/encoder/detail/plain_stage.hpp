#pragma once
#include <optional>
#include <utility>
#include <vector>

#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/pooling.hpp>

namespace aixcell::detail {

/// A maximum over 2x2 pixels, unless the stage is the first, and convolutions of one width.
template <class Device, class Real>
struct plain_stage {
  using unit = conv_norm_act<Device, Real>;
  using pooling = max_pooling<Device, Real>;

  struct saved {
    typename pooling::saved pool;
    std::vector<typename unit::saved> units;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    if (keep) keep->units.resize(units.size());
    auto y = pool ? pool->forward(ctx, x, keep ? &keep->pool : nullptr) : x;
    for (std::size_t k = 0; k < units.size(); ++k) y = units[k].forward(ctx, y, keep ? &keep->units[k] : nullptr);
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    for (std::size_t k = units.size(); k-- > 0;) dy = units[k].backward(ctx, std::move(dy), kept.units[k]);
    return pool ? pool->backward(ctx, std::move(dy), kept.pool) : dy;
  }

  std::optional<pooling> pool;
  std::vector<unit> units;
};

}  // namespace aixcell::detail
