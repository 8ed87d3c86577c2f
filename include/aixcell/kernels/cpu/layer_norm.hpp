#pragma once
#include <cmath>

#include <aixcell/kernels/cpu/detail/pixel_ranges.hpp>
#include <aixcell/kernels/layer_norm.hpp>

namespace aixcell {

template <class Real>
void layer_norm(context<cpu>& ctx, view<const Real, cpu> x, const layer_norm_parameters<master_of<Real>, cpu>& p,
                view<Real, cpu> y, view<master_of<Real>, cpu> statistics) {
  detail::require_layer_norm("layer_norm", x.shape(), p.weight.shape(), statistics.shape());
  require_equal_shapes("layer_norm", x, y);
  const index_t channels = x.extent(3);
  using master = master_of<Real>;
  const auto share = 1 / static_cast<master>(channels);
  detail::for_pixel_ranges(ctx, x.shape(), [&](index_t n, index_t begin, index_t end) {
    const master *weight = p.weight.data(), *bias = p.bias.data();
    for (index_t pixel = begin; pixel < end; ++pixel) {
      const Real* from = x.slice(n).data() + pixel * channels;
      Real* to = y.slice(n).data() + pixel * channels;
      master sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
      for (index_t c = 0; c < channels; ++c) sum += from[c];
      const master mean = sum * share;
#pragma omp simd reduction(+ : squares)
      for (index_t c = 0; c < channels; ++c) squares += (from[c] - mean) * (from[c] - mean);
      const master inverse = 1 / std::sqrt(squares * share + static_cast<master>(p.epsilon));
#pragma omp simd
      for (index_t c = 0; c < channels; ++c) to[c] = static_cast<Real>(weight[c] * ((from[c] - mean) * inverse) + bias[c]);
      master* kept = statistics.slice(n).data() + pixel * 2;
      kept[0] = mean, kept[1] = inverse;
    }
  });
}

// With xhat = (x - mean) / deviation and g = weight * dy:
//   dx = (g - mean(g) - xhat * mean(g * xhat)) / deviation
template <class Real>
void layer_norm_backward(context<cpu>& ctx, view<const Real, cpu> dy, view<const Real, cpu> x,
                         view<const master_of<Real>, cpu> statistics,
                         const layer_norm_parameters<master_of<Real>, cpu>& p, view<Real, cpu> dx,
                         const layer_norm_gradients<master_of<Real>, cpu>& gradients) {
  detail::require_layer_norm("layer_norm_backward", x.shape(), p.weight.shape(), statistics.shape());
  require_equal_shapes("layer_norm_backward", x, dy, dx);
  const index_t channels = x.extent(3);
  using master = master_of<Real>;
  const auto share = 1 / static_cast<master>(channels);
  tensor<double> sums(ctx, {x.extent(0), 2, channels});
  detail::sum_pixel_ranges(ctx, x.shape(), sums, [&](index_t n, index_t begin, index_t end, double* sum) {
    const master* weight = p.weight.data();
    double *dweight = sum, *dbias = sum + channels;
    for (index_t pixel = begin; pixel < end; ++pixel) {
      const Real *from = x.slice(n).data() + pixel * channels, *g = dy.slice(n).data() + pixel * channels;
      Real* to = dx.slice(n).data() + pixel * channels;
      const master* kept = statistics.slice(n).data() + pixel * 2;
      const master mean = kept[0], inverse = kept[1];
      master plain = 0, weighed = 0;
#pragma omp simd reduction(+ : plain, weighed)
      for (index_t c = 0; c < channels; ++c) {
        const master wg = weight[c] * g[c];
        plain += wg;
        weighed += wg * ((from[c] - mean) * inverse);
      }
      plain *= share, weighed *= share;
#pragma omp simd
      for (index_t c = 0; c < channels; ++c) {
        const master xhat = (from[c] - mean) * inverse, dyc = g[c];
        dweight[c] += static_cast<double>(dyc * xhat);
        dbias[c] += static_cast<double>(dyc);
        to[c] = static_cast<Real>((weight[c] * dyc - plain - xhat * weighed) * inverse);
      }
    }
  });
  for (index_t n = 0; n < x.extent(0); ++n)
    for (index_t c = 0; c < channels; ++c) {
      gradients.weight[c] += static_cast<master>(sums(n, 0, c));
      gradients.bias[c] += static_cast<master>(sums(n, 1, c));
    }
}

}  // namespace aixcell
