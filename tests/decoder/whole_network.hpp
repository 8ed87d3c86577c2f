#pragma once
#include <algorithm>

#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/pipeline/network.hpp>

namespace aixcell {

/// Bytes at most in use for activations during a forward and a backward pass, on any device; weights not counted.
template <class Enc, class Dec, class Device, class Real>
std::size_t training_peak(context<Device>& ctx, const shape& batch) {
  random_stream random(1);
  network<Enc, Dec, Device, Real> net(ctx, static_cast<int>(batch[3]), {3}, random);
  const std::size_t weights = ctx.memory().use().live;
  ctx.memory().reset_peak();
  auto x = tensor<Real, Device>::zeros(ctx, batch);
  typename network<Enc, Dec, Device, Real>::saved kept;
  auto y = net.forward(ctx, x, &kept);
  auto dy = tensor<Real, Device>::zeros(ctx, y.shape());
  y = {};
  net.backward(ctx, std::move(dy), kept);
  return ctx.memory().use().peak - weights;
}

}  // namespace aixcell
