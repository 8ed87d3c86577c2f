#pragma once
#include <cmath>
#include <cstddef>
#include <utility>

#include <aixcell/core/bfloat16.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// Values that training moves, and the gradient that backward passes add to, of a layer whose images hold Real: both are
/// kept in full precision. `decays` = weight decay applies: true for
/// filters, false for biases and normalisations.
template <class Device, class Real>
struct parameter {
  tensor<master_of<Real>, Device> value;
  tensor<master_of<Real>, Device> gradient;
  bool decays = true;

  /// Whether the value stays as it is, and then what a kernel made of it to read it faster; see network::freeze.
  bool constant = false;
  mutable tensor<std::byte, Device> prepared = {};
};

/// Values that belong to a layer and are not trained by gradients: running statistics.
template <class Device, class Real>
struct buffer {
  tensor<master_of<Real>, Device> value;
};

/// A parameter with zero gradient, every value `value`.
template <class Device, class Real>
parameter<Device, Real> constant_parameter(context<Device>& ctx, const shape& extents, master_of<Real> value) {
  using master = tensor<master_of<Real>, Device>;
  parameter<Device, Real> p{master(ctx, extents), master::zeros(ctx, extents), false, false, {}};
  fill_values(ctx, p.value.as_view(), value);
  return p;
}

/// A filter with zero gradient and normally distributed values of variance 2 / fan_in, which keeps the variance of
/// activations through ReLU layers (He et al. 2015, eq. 10). They are drawn on the processor, so that every device starts
/// from the same bits; on the dry device nothing is drawn.
template <class Device, class Real>
parameter<Device, Real> he_parameter(context<Device>& ctx, const shape& extents, index_t fan_in,
                                     random_stream& random) {
  using master = tensor<master_of<Real>, Device>;
  parameter<Device, Real> p{master(ctx, extents), master::zeros(ctx, extents), true, false, {}};
  if constexpr (!std::is_same_v<Device, dry>) {
    if (!random.wanted()) {
      random.skip(2 * static_cast<std::uint64_t>(p.value.size()));  // of a normal value each
      fill_values(ctx, p.value.as_view(), master_of<Real>(0));
      return p;
    }
    const double deviation = std::sqrt(2.0 / static_cast<double>(fan_in));
    const auto draw = [&](view<master_of<Real>, cpu> values) {
      for (auto& v : values) v = static_cast<master_of<Real>>(deviation * static_cast<double>(random.normal()));
    };
    if constexpr (std::is_same_v<Device, cpu>) {
      draw(p.value);
    } else {
      tensor<master_of<Real>> drawn(extents);
      draw(drawn);
      copy(ctx, std::as_const(drawn).as_view(), p.value.as_view());
    }
  }
  return p;
}

}  // namespace aixcell
