#pragma once
#include <string>
#include <utility>
#include <vector>

#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// Layers of one kind in a row, as many as were added, known by their positions: `0.weight`, `1.weight`. Without any, it
/// gives back what it takes.
template <class Layer>
struct series {
  struct saved {
    std::vector<typename Layer::saved> layers;
  };

  template <class Real, class Device>
  tensor<Real, Device> forward(context<Device>& ctx, tensor<Real, Device> x, saved* keep) const {
    if (keep) keep->layers.resize(layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) x = layers[i].forward(ctx, x, keep ? &keep->layers[i] : nullptr);
    return x;
  }

  template <class Real, class Device>
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    for (std::size_t i = layers.size(); i-- > 0;) dy = layers[i].backward(ctx, std::move(dy), kept.layers[i]);
    return dy;
  }

  static void for_each_member(auto& self, auto&& visit) {
    for (std::size_t i = 0; i < self.layers.size(); ++i) visit(std::to_string(i), self.layers[i]);
  }

  std::vector<Layer> layers;
};

}  // namespace aixcell
