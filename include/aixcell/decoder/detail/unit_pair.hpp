#pragma once
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/series.hpp>

namespace aixcell::detail {

/// Two 3x3 convolutions with batch normalisation and ReLU: what a U-Net does at every level.
template <class Device, class Real>
series<conv_norm_act<Device, Real>> unit_pair(context<Device>& ctx, int inputs, int outputs, random_stream& random) {
  series<conv_norm_act<Device, Real>> pair;
  pair.layers.emplace_back(ctx, conv_norm_act_options{.inputs = inputs, .outputs = outputs}, random);
  pair.layers.emplace_back(ctx, conv_norm_act_options{.inputs = outputs, .outputs = outputs}, random);
  return pair;
}

}  // namespace aixcell::detail
