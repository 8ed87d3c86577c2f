#pragma once
#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/gpu/detail/batch_extents.hpp>

namespace aixcell::detail {

/// A convolution in the integers that kernels count with.
struct conv2d_extents {
  batch_extents x, y;
  int taps_down, taps_right;  // R, S
  int inputs, outputs;        // channels of a group
  int stride, padding, dilation, groups;

  constexpr int taps() const { return taps_down * taps_right; }
  constexpr int pixels() const { return y.images * y.height * y.width; }
  constexpr int reach() const { return taps() * inputs; }  // values of a filter

  static conv2d_extents of(std::string_view where, const shape& x, const shape& filter, conv2d_geometry g,
                           const shape& y) {
    counted(where, filter.count());
    return {batch_extents::of(where, x),
            batch_extents::of(where, y),
            static_cast<int>(filter[1]),
            static_cast<int>(filter[2]),
            static_cast<int>(filter[3]),
            static_cast<int>(filter[0]) / g.groups,
            g.stride,
            g.padding,
            g.dilation,
            g.groups};
  }
};

/// What happens to a sum before it is stored; null where there is none.
template <class Stored>
struct epilogue_values {
  using Real = master_of<Stored>;
  const Real *bias, *scale;
  const Stored* residual;
  activation act;

  constexpr Real scale_of(int channel) const { return scale ? scale[channel] : Real(1); }
  constexpr Real bias_of(int channel) const { return bias ? bias[channel] : Real(0); }
  constexpr Real operator()(Real sum, int channel, int at) const {
    const Real beside = residual ? static_cast<Real>(residual[at]) : Real(0);
    return activate(act, sum * scale_of(channel) + bias_of(channel) + beside);
  }
  template <class Device>
  static epilogue_values of(std::string_view where, const conv2d_epilogue<Stored, Device>& e, const shape& y) {
    if (!e.bias.empty()) require_shape(where, {y[3]}, e.bias.shape());
    if (!e.scale.empty()) require_shape(where, {y[3]}, e.scale.shape());
    if (!e.residual.empty()) require_shape(where, y, e.residual.shape());
    const auto or_null = [](auto v) { return v.empty() ? nullptr : v.data(); };
    return {or_null(e.bias), or_null(e.scale), or_null(e.residual), e.act};
  }
};

}  // namespace aixcell::detail
