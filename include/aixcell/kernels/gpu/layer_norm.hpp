#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/layer_norm.hpp>

namespace aixcell {

namespace detail {

/// The sum over the lanes of a warp, in every lane.
template <class Real>
constexpr Real warp_sum(auto t, Real v) {
  for (int distance = warp_size / 2; distance > 0; distance /= 2) v += t.shfl_xor(v, distance);
  return v;
}

/// A warp for each pixel, lanes over its channels.
template <class Stored>
struct layer_norm_kernel {
  static constexpr std::string_view name = "layer_norm";
  static constexpr int threads = 256;
  using shared = nothing;
  using Real = master_of<Stored>;
  constexpr void operator()(auto t, shared&, int pixels, int channels, const Stored* x, const Real* weight,
                            const Real* bias, Real epsilon, Stored* y, Real* statistics) const {
    const int p = t.block().x * (threads / warp_size) + warp_of(t), lane = lane_of(t);
    if (p >= pixels) return;  // the whole warp
    const Stored* const from = x + p * channels;
    Real sum = 0, squares = 0;
    for (int c = lane; c < channels; c += warp_size) sum += static_cast<Real>(from[c]);
    const Real mean = warp_sum(t, sum) / static_cast<Real>(channels);
    for (int c = lane; c < channels; c += warp_size) {
      const Real d = static_cast<Real>(from[c]) - mean;
      squares += d * d;
    }
    const Real inverse = 1 / std::sqrt(warp_sum(t, squares) / static_cast<Real>(channels) + epsilon);
    for (int c = lane; c < channels; c += warp_size)
      y[p * channels + c] =
          static_cast<Stored>(weight[c] * ((static_cast<Real>(from[c]) - mean) * inverse) + bias[c]);
    if (lane != 0) return;
    statistics[2 * p] = mean;
    statistics[2 * p + 1] = inverse;
  }
};

/// The formula stands in kernels/cpu/layer_norm.hpp.
template <class Stored>
struct layer_norm_backward_kernel {
  static constexpr std::string_view name = "layer_norm_backward";
  static constexpr int threads = 256;
  using shared = nothing;
  using Real = master_of<Stored>;
  constexpr void operator()(auto t, shared&, int pixels, int channels, const Stored* dy, const Stored* x,
                            const Real* statistics, const Real* weight, Stored* dx) const {
    const int p = t.block().x * (threads / warp_size) + warp_of(t), lane = lane_of(t);
    if (p >= pixels) return;
    const Real mean = statistics[2 * p], inverse = statistics[2 * p + 1];
    Real plain = 0, weighed = 0;
    for (int c = lane; c < channels; c += warp_size) {
      const Real g = weight[c] * static_cast<Real>(dy[p * channels + c]);
      plain += g;
      weighed += g * ((static_cast<Real>(x[p * channels + c]) - mean) * inverse);
    }
    plain = warp_sum(t, plain) / static_cast<Real>(channels);
    weighed = warp_sum(t, weighed) / static_cast<Real>(channels);
    for (int c = lane; c < channels; c += warp_size) {
      const int i = p * channels + c;
      const Real xhat = (static_cast<Real>(x[i]) - mean) * inverse;
      dx[i] = static_cast<Stored>((weight[c] * static_cast<Real>(dy[i]) - plain - xhat * weighed) * inverse);
    }
  }
};

/// sum dy * xhat, sum dy
template <class Stored>
struct layer_norm_sums {
  static constexpr std::string_view name = "layer_norm_backward: parameters";
  using Real = master_of<Stored>;
  const Stored *dy, *x;
  const Real* statistics;
  int channels;
  constexpr sums<2> operator()(int, int p, int c) const {
    const Real g = static_cast<Real>(dy[p * channels + c]);
    const Real xhat = (static_cast<Real>(x[p * channels + c]) - statistics[2 * p]) * statistics[2 * p + 1];
    return {static_cast<double>(g * xhat), static_cast<double>(g)};
  }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void layer_norm(context<Device>& ctx, view_on<const Real, Device> x,
                const layer_norm_parameters<master_of<Real>, std::type_identity_t<Device>>& p, view_on<Real, Device> y,
                view_on<master_of<Real>, Device> statistics) {
  detail::require_layer_norm("layer_norm", x.shape(), p.weight.shape(), statistics.shape());
  require_equal_shapes("layer_norm", x, y);
  detail::counted("layer_norm", x.size());
  const int channels = static_cast<int>(x.extent(3)), pixels = static_cast<int>(statistics.size() / 2);
  launch(ctx, blocks_for(static_cast<std::int64_t>(pixels) * warp_size, 256), detail::layer_norm_kernel<Real>{}, pixels,
         channels, x.data(), p.weight.data(), p.bias.data(), static_cast<master_of<Real>>(p.epsilon), y.data(),
         statistics.data());
}

/// dx may not be dy or x: the parameters' gradients read both after it is written.
template <class Real, GpuDevice Device>
void layer_norm_backward(context<Device>& ctx, view_on<const Real, Device> dy, view_on<const Real, Device> x,
                         view_on<const master_of<Real>, Device> statistics,
                         const layer_norm_parameters<master_of<Real>, std::type_identity_t<Device>>& p,
                         view_on<Real, Device> dx,
                         const layer_norm_gradients<master_of<Real>, std::type_identity_t<Device>>& gradients) {
  detail::require_layer_norm("layer_norm_backward", x.shape(), p.weight.shape(), statistics.shape());
  require_equal_shapes("layer_norm_backward", x, dy, dx);
  if (x.empty()) return;
  detail::counted("layer_norm_backward", x.size());
  const int channels = static_cast<int>(x.extent(3)), pixels = static_cast<int>(statistics.size() / 2);
  launch(ctx, blocks_for(static_cast<std::int64_t>(pixels) * warp_size, 256), detail::layer_norm_backward_kernel<Real>{},
         pixels, channels, dy.data(), x.data(), statistics.data(), p.weight.data(), dx.data());
  tensor<double, Device> sums(ctx, {2, channels});
  const double* const known = sums.data();
  detail::launch_column_sums<2>(ctx, detail::layer_norm_sums<Real>{dy.data(), x.data(), statistics.data(), channels}, 1,
                                pixels, channels, sums.data());
  const auto add = [&](const double* of, view<master_of<Real>, Device> gradient) {
    detail::launch_map(ctx, detail::add_image_sums{of, 1, channels}, channels, gradient.data(),
                       static_cast<const master_of<Real>*>(gradient.data()));
  };
  add(known, gradients.weight);
  add(known + channels, gradients.bias);
}

}  // namespace aixcell
