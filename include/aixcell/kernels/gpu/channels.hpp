#pragma once
#include <aixcell/kernels/channels.hpp>
#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

template <class Stored>
struct joined_channels {
  static constexpr std::string_view name = "concatenate_channels";
  const Stored *a, *b;
  int left, right;
  constexpr Stored operator()(int i) const {
    const int p = i / (left + right), c = i % (left + right);
    return c < left ? a[p * left + c] : b[p * right + c - left];
  }
};

/// Channels first.. of y, `count` of them.
template <class Stored>
struct part_of_channels {
  static constexpr std::string_view name = "split_channels";
  const Stored* y;
  int pitch, first, count;
  constexpr Stored operator()(int i) const { return y[i / count * pitch + first + i % count]; }
};

template <class Real>
struct add_channel_bias {
  static constexpr std::string_view name = "add_bias";
  const Real* bias;
  int channels;
  constexpr Real operator()(int i, Real y) const { return y + bias[i % channels]; }
};

/// All images of a batch as one.
template <class Stored>
struct pixel_values {
  static constexpr std::string_view name = "add_bias_gradient";
  const Stored* dy;
  int channels;
  constexpr sums<1> operator()(int, int p, int c) const { return {static_cast<double>(dy[p * channels + c])}; }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void concatenate_channels(context<Device>& ctx, view_on<const Real, Device> a, view_on<const Real, Device> b,
                          view_on<Real, Device> y) {
  detail::require_concatenation("concatenate_channels", a.shape(), b.shape(), y.shape());
  const detail::joined_channels<Real> f{a.data(), b.data(), static_cast<int>(a.extent(3)), static_cast<int>(b.extent(3))};
  detail::launch_map(ctx, f, y.size(), y.data());
}

template <class Real, GpuDevice Device>
void split_channels(context<Device>& ctx, view_on<const Real, Device> y, view_on<Real, Device> a,
                    view_on<Real, Device> b) {
  detail::require_concatenation("split_channels", a.shape(), b.shape(), y.shape());
  const auto left = static_cast<int>(a.extent(3)), right = static_cast<int>(b.extent(3));
  const auto take = [&](int first, int count, view<Real, Device> part) {
    const detail::part_of_channels<Real> f{y.data(), left + right, first, count};
    detail::launch_map(ctx, f, part.size(), part.data());
  };
  take(0, left, a);
  take(left, right, b);
}

template <class Real, GpuDevice Device>
void add_bias(context<Device>& ctx, view_on<const master_of<Real>, Device> bias, view_on<Real, Device> y) {
  detail::require_bias("add_bias", y.shape(), bias.shape());
  const detail::add_channel_bias<master_of<Real>> f{bias.data(), static_cast<int>(y.extent(3))};
  detail::launch_map(ctx, f, y.size(), y.data(), static_cast<const Real*>(y.data()));
}

template <class Real, GpuDevice Device>
void add_bias_gradient(context<Device>& ctx, view_on<const Real, Device> dy, view_on<master_of<Real>, Device> dbias) {
  detail::require_bias("add_bias_gradient", dy.shape(), dbias.shape());
  if (dy.empty()) return;
  const int values = detail::counted("add_bias_gradient", dy.size()), channels = static_cast<int>(dbias.size());
  tensor<double, Device> sums(ctx, {channels});
  detail::launch_column_sums<1>(ctx, detail::pixel_values<Real>{dy.data(), channels}, 1, values / channels, channels,
                                sums.data());
  const double* const known = sums.data();
  detail::launch_map(ctx, detail::add_image_sums{known, 1, channels}, channels, dbias.data(),
                     static_cast<const master_of<Real>*>(dbias.data()));
}

}  // namespace aixcell
