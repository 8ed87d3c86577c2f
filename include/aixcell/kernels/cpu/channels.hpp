#pragma once
#include <aixcell/kernels/channels.hpp>
#include <aixcell/kernels/cpu/detail/pixel_ranges.hpp>

namespace aixcell {

template <class Real>
void concatenate_channels(context<cpu>& ctx, view<const Real, cpu> a, view<const Real, cpu> b, view<Real, cpu> y) {
  detail::require_concatenation("concatenate_channels", a.shape(), b.shape(), y.shape());
  const index_t left = a.extent(3), right = b.extent(3);
  detail::for_pixel_ranges(ctx, y.shape(), [&](index_t n, index_t begin, index_t end) {
    const index_t image = n * y.extent(1) * y.extent(2);
    for (index_t p = image + begin; p < image + end; ++p) {
      Real* to = y.data() + p * (left + right);
      std::copy_n(a.data() + p * left, left, to);
      std::copy_n(b.data() + p * right, right, to + left);
    }
  });
}

template <class Real>
void split_channels(context<cpu>& ctx, view<const Real, cpu> y, view<Real, cpu> a, view<Real, cpu> b) {
  detail::require_concatenation("split_channels", a.shape(), b.shape(), y.shape());
  const index_t left = a.extent(3), right = b.extent(3);
  detail::for_pixel_ranges(ctx, y.shape(), [&](index_t n, index_t begin, index_t end) {
    const index_t image = n * y.extent(1) * y.extent(2);
    for (index_t p = image + begin; p < image + end; ++p) {
      const Real* from = y.data() + p * (left + right);
      std::copy_n(from, left, a.data() + p * left);
      std::copy_n(from + left, right, b.data() + p * right);
    }
  });
}

template <class Real>
void add_bias(context<cpu>& ctx, view<const master_of<Real>, cpu> bias, view<Real, cpu> y) {
  detail::require_bias("add_bias", y.shape(), bias.shape());
  const index_t channels = y.extent(3);
  const auto* from = bias.data();
  detail::for_pixel_ranges(ctx, y.shape(), [&](index_t n, index_t begin, index_t end) {
    Real* to = y.slice(n).data() + begin * channels;
    for (index_t p = begin; p < end; ++p, to += channels) {
#pragma omp simd
      for (index_t c = 0; c < channels; ++c) to[c] = static_cast<Real>(to[c] + from[c]);
    }
  });
}

template <class Real>
void add_bias_gradient(context<cpu>& ctx, view<const Real, cpu> dy, view<master_of<Real>, cpu> dbias) {
  detail::require_bias("add_bias_gradient", dy.shape(), dbias.shape());
  const tensor<double> sums = detail::pixel_sums<Real>(ctx, dy);
  for (index_t n = 0; n < dy.extent(0); ++n)
    for (index_t c = 0; c < dbias.size(); ++c) dbias[c] += static_cast<master_of<Real>>(sums(n, 0, c));
}

}  // namespace aixcell
