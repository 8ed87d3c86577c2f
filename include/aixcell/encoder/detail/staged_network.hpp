#pragma once
#include <utility>
#include <vector>

#include <aixcell/encoder/detail/level_gradients.hpp>

namespace aixcell::detail {

/// Stages in a row, each of which but the first `unnamed` ends in a feature level. A stage is a layer of any kind.
template <class Device, class Real, class Stage>
struct staged_network {
  struct saved {
    std::vector<typename Stage::saved> stages;
  };

  std::vector<tensor<Real, Device>> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    if (keep) keep->stages.resize(stages.size());
    std::vector<tensor<Real, Device>> features;
    auto y = x;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      y = stages[i].forward(ctx, y, keep ? &keep->stages[i] : nullptr);
      if (i >= unnamed) features.push_back(y);
    }
    return features;
  }

  void backward(context<Device>& ctx, std::vector<tensor<Real, Device>> dlevels, saved& kept) {
    tensor<Real, Device> dy;
    for (std::size_t i = stages.size(); i-- > 0;) {
      if (i >= unnamed) dy = add_gradients<Real>(ctx, std::move(dy), std::exchange(dlevels[i - unnamed], {}));
      if (!dy.empty()) dy = stages[i].backward(ctx, std::move(dy), kept.stages[i]);  // else nobody used this level
    }
    kept = {};
  }

  std::vector<Stage> stages;
  std::size_t unnamed = 0;
};

}  // namespace aixcell::detail
