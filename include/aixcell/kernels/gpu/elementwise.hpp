#pragma once
#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

struct add_values {
  static constexpr std::string_view name = "accumulate";
  template <class Real>
  constexpr Real operator()(int, Real x, Real y) const {
    return y + x;
  }
};

struct activate_values {
  static constexpr std::string_view name = "apply_activation";
  activation act;
  template <class Real>
  constexpr Real operator()(int, Real x) const {
    return activate(act, x);
  }
};

struct activate_backward {
  static constexpr std::string_view name = "activation_backward";
  activation act;
  template <class Real>
  constexpr Real operator()(int, Real dy, Real x) const {
    return dy * activate_derivative(act, x);
  }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void accumulate(context<Device>& ctx, view_on<const Real, Device> x, view_on<Real, Device> y) {
  require_equal_shapes("accumulate", x, y);
  detail::launch_map(ctx, detail::add_values{}, y.size(), y.data(), x.data(), static_cast<const Real*>(y.data()));
}

template <class Real, GpuDevice Device>
void apply_activation(context<Device>& ctx, view_on<const Real, Device> x, activation act, view_on<Real, Device> y) {
  require_equal_shapes("apply_activation", x, y);
  detail::launch_map(ctx, detail::activate_values{act}, y.size(), y.data(), x.data());
}

template <class Real, GpuDevice Device>
void activation_backward(context<Device>& ctx, view_on<const Real, Device> dy, view_on<const Real, Device> x,
                         activation act, view_on<Real, Device> dx) {
  require_equal_shapes("activation_backward", dy, x, dx);
  detail::launch_map(ctx, detail::activate_backward{act}, dx.size(), dx.data(), dy.data(), x.data());
}

template <class To, class From, GpuDevice Device>
void convert(context<Device>& ctx, view_on<const From, Device> x, view_on<To, Device> y) {
  require_equal_shapes("convert", x, y);
  detail::launch_map(ctx, detail::same_value{}, y.size(), y.data(), x.data());
}

}  // namespace aixcell
