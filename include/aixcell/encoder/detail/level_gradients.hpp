#pragma once
#include <utility>

#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/elementwise.hpp>

namespace aixcell::detail {

/// The gradient of a feature level that is used twice: by the next level (`from_below`, freshly made, added to) and by
/// the decoder. Either may be empty, which means zero.
template <class Real, class Device>
tensor<Real, Device> add_gradients(context<Device>& ctx, tensor<Real, Device> from_below,
                                   tensor<Real, Device> from_decoder) {
  if (from_below.empty()) return from_decoder;
  if (!from_decoder.empty()) accumulate<Real>(ctx, from_decoder, from_below);
  return from_below;
}

}  // namespace aixcell::detail
