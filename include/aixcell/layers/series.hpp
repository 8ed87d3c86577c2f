#pragma once
#include <string>
#include <utility>
#include <vector>

#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// Layers of one kind in a row, as many as were added, known by their positions: `0.weight`, `1.weight`. Without any, it
/// gives back what it takes. `Layer::image` is what a layer takes and gives.
/// Where the context wants all computed again (recomputation::full), a row keeps only what went into it: what its layers keep lives while
/// the way back passes it.
template <class Layer>
struct series {
  struct saved {
    std::vector<typename Layer::saved> layers;
    typename Layer::image x;  ///< what went in, if the layers' values are to be computed again
  };

  template <class Real, class Device>
  tensor<Real, Device> forward(context<Device>& ctx, tensor<Real, Device> x, saved* keep) const {
    if (!keep || ctx.settings().recompute != recomputation::full) return run(ctx, std::move(x), keep, layers.size());
    keep->x = x;
    for (const Layer& layer : layers) {
      typename Layer::saved passing;
      x = layer.forward(ctx, std::move(x), &passing);
    }
    return x;
  }

  template <class Real, class Device>
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    if (!kept.x.empty()) keep_again(ctx, std::exchange(kept.x, {}), kept);
    for (std::size_t i = layers.size(); i-- > 0;) dy = layers[i].backward(ctx, std::move(dy), kept.layers[i]);
    return dy;
  }

  static void for_each_member(auto& self, auto&& visit) {
    for (std::size_t i = 0; i < self.layers.size(); ++i) visit(std::to_string(i), self.layers[i]);
  }

  std::vector<Layer> layers;

 private:
  /// What run keeps; of the last layer without its result, if it can do that.
  template <class Real, class Device>
  void keep_again(context<Device>& ctx, tensor<Real, Device> x, saved& kept) const {
    if constexpr (requires { layers.back().keep_again(ctx, x, kept.layers.back()); }) {
      if (layers.empty()) return;
      x = run(ctx, std::move(x), &kept, layers.size() - 1);
      layers.back().keep_again(ctx, x, kept.layers.back());
    } else {
      run(ctx, std::move(x), &kept, layers.size());
    }
  }

  /// The first `count` layers.
  template <class Real, class Device>
  tensor<Real, Device> run(context<Device>& ctx, tensor<Real, Device> x, saved* keep, std::size_t count) const {
    if (keep) keep->layers.resize(layers.size());
    for (std::size_t i = 0; i < count; ++i) x = layers[i].forward(ctx, std::move(x), keep ? &keep->layers[i] : nullptr);
    return x;
  }
};

}  // namespace aixcell
