#pragma once
#include <aixcell/kernels/channel_gate.hpp>
#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

/// sum over the pixels of an image of x, or of dy * x.
template <class Stored>
struct image_sum_of {
  static constexpr std::string_view name = "spatial_mean";
  const Stored* x;
  int pixels, channels;
  constexpr sums<1> operator()(int n, int p, int c) const {
    return {static_cast<double>(x[(n * pixels + p) * channels + c])};
  }
};
template <class Stored>
struct gate_gradient_of {
  static constexpr std::string_view name = "gate_channels_backward";
  const Stored *dy, *x;
  int pixels, channels;
  constexpr sums<1> operator()(int n, int p, int c) const {
    const int i = (n * pixels + p) * channels + c;
    return {static_cast<double>(dy[i]) * static_cast<double>(x[i])};
  }
};
struct divided {
  static constexpr std::string_view name = "means";
  double by;
  constexpr double operator()(int, double sum) const { return sum / by; }
};

/// Place in [N,1,1,C] of the value that belongs to place i of [N,H,W,C].
struct gate_place {
  int channels, image;
  constexpr int operator()(int i) const { return i / image * channels + i % channels; }
  static gate_place of(const shape& x) {
    return {static_cast<int>(x[3]), static_cast<int>(x[1] * x[2] * x[3])};
  }
};
template <class Stored>
struct gated {
  static constexpr std::string_view name = "gate_channels";
  using Real = master_of<Stored>;
  const Stored* gate;
  gate_place place;
  constexpr Real operator()(int i, Real x) const { return x * static_cast<Real>(gate[place(i)]); }
};
template <class Stored>
struct add_share {
  static constexpr std::string_view name = "spatial_mean_backward";
  using Real = master_of<Stored>;
  const Stored* dy;
  gate_place place;
  Real share;
  constexpr Real operator()(int i, Real dx) const { return dx + share * static_cast<Real>(dy[place(i)]); }
};
template <class Stored>
struct gate_of_image {
  static constexpr std::string_view name = "draw_image_gates";
  const master_of<Stored>* passes;
  image_gate_options options;
  int channels;
  constexpr Stored operator()(int i) const {
    return image_gate<Stored>(options, static_cast<std::uint64_t>(passes[0]), i / channels);
  }
};
struct one_more {
  static constexpr std::string_view name = "count_pass";
  template <class Real>
  constexpr Real operator()(int, Real before) const {
    return before + 1;
  }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void spatial_mean(context<Device>& ctx, view_on<const Real, Device> x, view_on<Real, Device> y) {
  detail::require_gate("spatial_mean", x.shape(), y.shape());
  detail::counted("spatial_mean", x.size());
  const auto pixels = static_cast<int>(x.extent(1) * x.extent(2)), channels = static_cast<int>(x.extent(3));
  tensor<double, Device> sums(ctx, y.shape());
  const double* const known = sums.data();
  detail::launch_column_sums<1>(ctx, detail::image_sum_of<Real>{x.data(), pixels, channels},
                                static_cast<int>(x.extent(0)), pixels, channels, sums.data());
  detail::launch_map(ctx, detail::divided{static_cast<double>(pixels)}, y.size(), y.data(), known);
}

template <class Real, GpuDevice Device>
void spatial_mean_backward(context<Device>& ctx, view_on<const Real, Device> dy, view_on<Real, Device> dx) {
  detail::require_gate("spatial_mean_backward", dx.shape(), dy.shape());
  const auto share = 1 / static_cast<master_of<Real>>(dx.extent(1) * dx.extent(2));
  const detail::add_share<Real> f{dy.data(), detail::gate_place::of(dx.shape()), share};
  detail::launch_map(ctx, f, dx.size(), dx.data(), static_cast<const Real*>(dx.data()));
}

template <class Real, GpuDevice Device>
void gate_channels(context<Device>& ctx, view_on<const Real, Device> x, view_on<const Real, Device> gate,
                   view_on<Real, Device> y) {
  detail::require_gate("gate_channels", x.shape(), gate.shape());
  require_equal_shapes("gate_channels", x, y);
  detail::launch_map(ctx, detail::gated<Real>{gate.data(), detail::gate_place::of(x.shape())}, y.size(), y.data(),
                     x.data());
}

template <class Real, GpuDevice Device>
void gate_channels_backward(context<Device>& ctx, view_on<const Real, Device> dy, view_on<const Real, Device> x,
                            view_on<const Real, Device> gate, view_on<Real, Device> dx, view_on<Real, Device> dgate) {
  detail::require_gate("gate_channels_backward", x.shape(), gate.shape());
  require_equal_shapes("gate_channels_backward", x, dy, dx);
  require_equal_shapes("gate_channels_backward", gate, dgate);
  const auto pixels = static_cast<int>(x.extent(1) * x.extent(2)), channels = static_cast<int>(x.extent(3));
  tensor<double, Device> sums(ctx, dgate.shape());
  const double* const known = sums.data();
  detail::launch_column_sums<1>(ctx, detail::gate_gradient_of<Real>{dy.data(), x.data(), pixels, channels},
                                static_cast<int>(x.extent(0)), pixels, channels, sums.data());
  detail::launch_map(ctx, detail::same_value{}, dgate.size(), dgate.data(), known);
  detail::launch_map(ctx, detail::gated<Real>{gate.data(), detail::gate_place::of(x.shape())}, dx.size(), dx.data(),
                     dy.data());
}

template <class Real, GpuDevice Device>
void draw_image_gates(context<Device>& ctx, view_on<const master_of<Real>, Device> passes, const image_gate_options& o,
                      view_on<Real, Device> gate) {
  require_shape("draw_image_gates", {1}, passes.shape());
  detail::require_gate("draw_image_gates", gate.shape(), gate.shape());
  detail::launch_map(ctx, detail::gate_of_image<Real>{passes.data(), o, static_cast<int>(gate.extent(3))}, gate.size(),
                     gate.data());
}

template <class Real, GpuDevice Device>
void count_pass(context<Device>& ctx, view_on<Real, Device> passes) {
  require_shape("count_pass", {1}, passes.shape());
  detail::launch_map(ctx, detail::one_more{}, 1, passes.data(), static_cast<const Real*>(passes.data()));
}

}  // namespace aixcell
