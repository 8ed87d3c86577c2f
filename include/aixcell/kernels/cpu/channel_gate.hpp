#pragma once
#include <aixcell/kernels/channel_gate.hpp>
#include <aixcell/kernels/cpu/detail/pixel_ranges.hpp>

namespace aixcell {

template <class Real>
void spatial_mean(context<cpu>& ctx, view<const Real, cpu> x, view<Real, cpu> y) {
  detail::require_gate("spatial_mean", x.shape(), y.shape());
  const tensor<double> sums = detail::pixel_sums<Real>(ctx, x);
  const auto pixels = static_cast<double>(x.extent(1) * x.extent(2));
  for (index_t i = 0; i < y.size(); ++i) y[i] = static_cast<Real>(sums[i] / pixels);
}

template <class Real>
void spatial_mean_backward(context<cpu>& ctx, view<const Real, cpu> dy, view<Real, cpu> dx) {
  detail::require_gate("spatial_mean_backward", dx.shape(), dy.shape());
  const index_t channels = dx.extent(3);
  const auto share = 1 / static_cast<master_of<Real>>(dx.extent(1) * dx.extent(2));
  detail::for_pixel_ranges(ctx, dx.shape(), [&](index_t n, index_t begin, index_t end) {
    const Real* from = dy.slice(n).data();
    Real* to = dx.slice(n).data() + begin * channels;
    for (index_t p = begin; p < end; ++p, to += channels) {
#pragma omp simd
      for (index_t c = 0; c < channels; ++c) to[c] = static_cast<Real>(to[c] + share * from[c]);
    }
  });
}

template <class Real>
void gate_channels(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> gate, view<Real, cpu> y) {
  detail::require_gate("gate_channels", x.shape(), gate.shape());
  require_equal_shapes("gate_channels", x, y);
  const index_t channels = x.extent(3);
  detail::for_pixel_ranges(ctx, x.shape(), [&](index_t n, index_t begin, index_t end) {
    const Real *factor = gate.slice(n).data(), *from = x.slice(n).data() + begin * channels;
    Real* to = y.slice(n).data() + begin * channels;
    for (index_t p = begin; p < end; ++p, from += channels, to += channels) {
#pragma omp simd
      for (index_t c = 0; c < channels; ++c) to[c] = static_cast<Real>(factor[c] * from[c]);
    }
  });
}

template <class Real>
void gate_channels_backward(context<cpu>& ctx, view<const Real, cpu> dy, view<const Real, cpu> x,
                            view<const Real, cpu> gate, view<Real, cpu> dx, view<Real, cpu> dgate) {
  detail::require_gate("gate_channels_backward", x.shape(), gate.shape());
  require_equal_shapes("gate_channels_backward", x, dy, dx);
  require_equal_shapes("gate_channels_backward", gate, dgate);
  const index_t channels = x.extent(3);
  tensor<double> sums(ctx, {x.extent(0), 1, channels});
  detail::sum_pixel_ranges(ctx, x.shape(), sums, [&](index_t n, index_t begin, index_t end, double* sum) {
    const index_t first = begin * channels;
    const Real *factor = gate.slice(n).data(), *from = x.slice(n).data() + first, *g = dy.slice(n).data() + first;
    Real* to = dx.slice(n).data() + first;
    for (index_t p = begin; p < end; ++p, from += channels, g += channels, to += channels) {
#pragma omp simd
      for (index_t c = 0; c < channels; ++c) {
        sum[c] += static_cast<double>(g[c] * from[c]);
        to[c] = static_cast<Real>(factor[c] * g[c]);
      }
    }
  });
  for (index_t i = 0; i < dgate.size(); ++i) dgate[i] = static_cast<Real>(sums[i]);
}

template <class Real>
void draw_image_gates(context<cpu>&, view<const master_of<Real>, cpu> passes, const image_gate_options& o,
                      view<Real, cpu> gate) {
  require_shape("draw_image_gates", {1}, passes.shape());
  detail::require_gate("draw_image_gates", gate.shape(), gate.shape());
  const auto pass = static_cast<std::uint64_t>(passes[0]);
  for (index_t n = 0; n < gate.extent(0); ++n)
    std::fill_n(gate.slice(n).data(), gate.extent(3), detail::image_gate<Real>(o, pass, n));
}

template <class Real>
void count_pass(context<cpu>&, view<Real, cpu> passes) {
  require_shape("count_pass", {1}, passes.shape());
  passes[0] += 1;
}

}  // namespace aixcell
