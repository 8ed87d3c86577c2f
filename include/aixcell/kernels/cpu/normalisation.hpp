#pragma once
#include <cmath>
#include <type_traits>

#include <aixcell/kernels/cpu/detail/stored_values.hpp>
#include <aixcell/kernels/cpu/detail/pixel_ranges.hpp>
#include <aixcell/kernels/normalisation.hpp>

namespace aixcell {

namespace detail {

/// The row of [M,C] coefficients that belongs to image n.
template <class T>
T* row_of_image(view<T, cpu> coefficients, index_t n) {
  return coefficients.data() + (coefficients.extent(0) == 1 ? 0 : n) * (coefficients.size() / coefficients.extent(0));
}

/// Calls f(activation, has residual) with both as compile-time constants; `Common` as in with_constant_activation.
template <bool Common = true, class Real, class Function>
void with_constant_epilogue(const scaled_input<Real, cpu>& in, Function&& f) {
  with_constant_activation<Common>(in.act, [&](auto act) {
    if (in.residual.empty())
      f(act, std::false_type{});
    else
      f(act, std::true_type{});
  });
}

/// Whether there are loops for each instruction set: for the activations that most networks have.
template <class Real>
constexpr bool has_runs(activation act) {
  return !std::is_same_v<Real, double> && (act == activation::none || act == activation::relu);
}

template <class Real>
const auto& normalisation_runs() {
  if constexpr (std::is_same_v<Real, bfloat16>)
    return best_instruction_set().normalise_bfloat16;
  else
    return best_instruction_set().normalise_float;
}

/// Pixels begin..end of image n, counted within the image; `dy` may be null.
template <class Real>
auto run_of(const Real* dy, const scaled_input<Real, cpu>& in, index_t n, index_t begin, index_t end) {
  const index_t channels = in.x.extent(3), first = (n * in.x.extent(1) * in.x.extent(2) + begin) * channels;
  using value = std::remove_const_t<std::remove_pointer_t<decltype(stored(dy))>>;
  return scaled_run<value>{.dy = stored(dy ? dy + first : dy),
                           .x = stored(in.x.data() + first),
                           .residual = in.residual.empty() ? nullptr : stored(in.residual.data() + first),
                           .scale = row_of_image(in.scale, n),
                           .shift = row_of_image(in.shift, n),
                           .relu = in.act == activation::relu,
                           .pixels = end - begin,
                           .channels = channels};
}

/// Sum over the images and channels of one group of the sums of `quantity`, each times weight(c).
template <class Weight>
double group_sum(view<const double, cpu> sums, normalisation_scope scope, index_t row, index_t group, Weight&& term) {
  double sum = 0;
  for (index_t n = row * scope.images; n < (row + 1) * scope.images; ++n)
    for (index_t c = group * scope.channels; c < (group + 1) * scope.channels; ++c)
      sum += term(c, sums(n, 0, c), sums(n, 1, c));
  return sum;
}

}  // namespace detail

template <class Real>
void channel_sums(context<cpu>& ctx, view<const Real, cpu> x, view<double, cpu> sums) {
  detail::require_sums("channel_sums", x.shape(), sums.shape());
  const index_t channels = x.extent(3);
  detail::sum_pixel_ranges(ctx, x.shape(), sums, [&](index_t n, index_t begin, index_t end, double* sum) {
    double* squares = sum + channels;
    const Real* row = x.slice(n).data() + begin * channels;
    if constexpr (std::is_same_v<Real, double>) {
      for (index_t p = begin; p < end; ++p, row += channels)
        for (index_t c = 0; c < channels; ++c) sum[c] += row[c], squares[c] += row[c] * row[c];
    } else {
      detail::normalisation_runs<Real>().add_sums(detail::stored(row), end - begin, channels, channels, sum, squares);
    }
  });
}

template <class Real>
void normalisation_moments(context<cpu>&, view<const double, cpu> sums, index_t pixels, normalisation_scope scope,
                           const normalisation_statistics<Real, cpu>& out) {
  const index_t rows = detail::require_scope("normalisation_moments", sums.shape(), scope, out.mean.shape());
  require_equal_shapes("normalisation_moments", out.mean, out.variance);
  const auto count = static_cast<double>(pixels * scope.images * scope.channels);
  for (index_t m = 0; m < rows; ++m)
    for (index_t g = 0; g < sums.extent(2) / scope.channels; ++g) {
      const double mean = detail::group_sum(sums, scope, m, g, [](index_t, double s, double) { return s; }) / count;
      const double square = detail::group_sum(sums, scope, m, g, [](index_t, double, double q) { return q; }) / count;
      for (index_t c = g * scope.channels; c < (g + 1) * scope.channels; ++c) {
        out.mean(m, c) = static_cast<Real>(mean);
        out.variance(m, c) = static_cast<Real>(std::max(0.0, square - mean * mean));
      }
    }
}

template <class Real>
void normalisation_coefficients(context<cpu>&, const normalisation_inputs<Real, cpu>& in, view<Real, cpu> scale,
                                view<Real, cpu> shift) {
  require_equal_shapes("normalisation_coefficients", in.mean, in.variance, scale, shift);
  const index_t channels = in.weight.size();
  for (index_t i = 0; i < in.mean.size(); ++i) {
    const double factor = in.weight[i % channels] / std::sqrt(in.variance[i] + in.epsilon);
    scale[i] = static_cast<Real>(factor);
    shift[i] = static_cast<Real>(in.bias[i % channels] - in.mean[i] * factor);
  }
}

template <class Real>
void move_running_statistics(context<cpu>&, const batch_statistics<Real, cpu>& batch,
                             const normalisation_statistics<Real, cpu>& running) {
  require_equal_shapes("move_running_statistics", batch.mean, batch.variance, running.mean, running.variance);
  const auto move = [&](Real& value, double to) {
    value = static_cast<Real>((1 - batch.momentum) * static_cast<double>(value) + batch.momentum * to);
  };
  const auto count = static_cast<double>(batch.count);
  const double unbiased = batch.count > 1 ? count / (count - 1) : 1.0;
  for (index_t i = 0; i < batch.mean.size(); ++i) {
    move(running.mean[i], batch.mean[i]);
    move(running.variance[i], unbiased * batch.variance[i]);
  }
}

template <class Real>
void scale_shift_activate(context<cpu>& ctx, const scaled_input<Real, cpu>& in, view<Real, cpu> y) {
  detail::require_scaled_input("scale_shift_activate", in, y.shape());
  const index_t channels = y.extent(3);
  if constexpr (!std::is_same_v<Real, double>) {
    if (detail::has_runs<Real>(in.act)) {
      detail::for_pixel_ranges(ctx, y.shape(), [&](index_t n, index_t begin, index_t end) {
        const index_t first = (n * y.extent(1) * y.extent(2) + begin) * channels;
        const Real* none = nullptr;
        detail::normalisation_runs<Real>().scale_shift(detail::run_of(none, in, n, begin, end),
                                                       detail::stored(y.data() + first));
      });
      return;
    }
  }
  detail::with_constant_epilogue<std::is_same_v<Real, double>>(in, [&](auto act, auto has_residual) {
    detail::for_pixel_ranges(ctx, y.shape(), [&](index_t n, index_t begin, index_t end) {
      const index_t image = n * y.extent(1) * y.extent(2);
      const auto *scale = detail::row_of_image(in.scale, n), *shift = detail::row_of_image(in.shift, n);
      for (index_t p = image + begin; p < image + end; ++p) {
        const Real* x = in.x.data() + p * channels;
        const Real* residual = has_residual() ? in.residual.data() + p * channels : nullptr;
        Real* to = y.data() + p * channels;
#pragma omp simd
        for (index_t c = 0; c < channels; ++c) {
          auto z = scale[c] * x[c] + shift[c];
          if constexpr (has_residual()) z += residual[c];
          to[c] = static_cast<Real>(activate(act(), z));
        }
      }
    });
  });
}

template <class Real>
void scale_shift_backward_sums(context<cpu>& ctx, view<const Real, cpu> dy, const scaled_input<Real, cpu>& in,
                               view<double, cpu> sums) {
  detail::require_scaled_input("scale_shift_backward_sums", in, dy.shape());
  detail::require_sums("scale_shift_backward_sums", dy.shape(), sums.shape());
  const index_t channels = dy.extent(3);
  if constexpr (!std::is_same_v<Real, double>) {
    if (detail::has_runs<Real>(in.act)) {
      const auto add = detail::normalisation_runs<Real>().add_scaled_sums;
      detail::sum_pixel_ranges(ctx, dy.shape(), sums, [&](index_t n, index_t begin, index_t end, double* sum) {
        add(detail::run_of(dy.data(), in, n, begin, end), sum, sum + channels);
      });
      return;
    }
  }
  detail::with_constant_epilogue<std::is_same_v<Real, double>>(in, [&](auto act, auto has_residual) {
    detail::sum_pixel_ranges(ctx, dy.shape(), sums, [&](index_t n, index_t begin, index_t end, double* sum) {
      const index_t image = n * dy.extent(1) * dy.extent(2);
      const auto *scale = detail::row_of_image(in.scale, n), *shift = detail::row_of_image(in.shift, n);
      double* products = sum + channels;
      for (index_t p = image + begin; p < image + end; ++p) {
        const Real *x = in.x.data() + p * channels, *g = dy.data() + p * channels;
        const Real* residual = has_residual() ? in.residual.data() + p * channels : nullptr;
#pragma omp simd
        for (index_t c = 0; c < channels; ++c) {
          auto z = scale[c] * x[c] + shift[c];
          if constexpr (has_residual()) z += residual[c];
          const auto dz = g[c] * activate_derivative(act(), z);
          sum[c] += static_cast<double>(dz);
          products[c] += static_cast<double>(dz * x[c]);
        }
      }
    });
  });
}

// With xhat = (x - mean) / deviation and m values in the group (Ioffe and Szegedy 2015, section 3):
//   dx = weight / deviation * dz - (A + xhat * B) / (m * deviation),   A = sum weight * dz,   B = sum weight * dz *
//   xhat
template <class Real>
void normalisation_backward(context<cpu>&, view<const double, cpu> sums, index_t pixels, normalisation_scope scope,
                            const normalisation_inputs<Real, cpu>& in, const normalisation_gradients<Real, cpu>& out) {
  const index_t rows = detail::require_scope("normalisation_backward", sums.shape(), scope, in.mean.shape());
  const index_t channels = sums.extent(2);
  require_shape("normalisation_backward", {rows, 3, channels}, out.factors.shape());
  const auto count = static_cast<double>(pixels * scope.images * scope.channels);
  for (index_t m = 0; m < rows; ++m)
    for (index_t g = 0; g < channels / scope.channels; ++g) {
      const index_t first = g * scope.channels;
      const double mean = in.mean(m, first);  // the same for every channel of the group
      const double inverse = 1.0 / std::sqrt(in.variance(m, first) + in.epsilon);
      const double a =
          detail::group_sum(sums, scope, m, g, [&](index_t c, double s, double) { return in.weight[c] * s; });
      const double b = detail::group_sum(
          sums, scope, m, g, [&](index_t c, double s, double q) { return in.weight[c] * (q - mean * s) * inverse; });
      for (index_t c = first; c < first + scope.channels; ++c) {
        out.factors(m, 0, c) = static_cast<Real>(in.weight[c] * inverse);
        out.factors(m, 1, c) = static_cast<Real>(-inverse * inverse * b / count);
        out.factors(m, 2, c) = static_cast<Real>((inverse * inverse * mean * b - inverse * a) / count);
        for (index_t n = m * scope.images; n < (m + 1) * scope.images; ++n) {
          out.weight[c] += static_cast<Real>((sums(n, 1, c) - mean * sums(n, 0, c)) * inverse);
          out.bias[c] += static_cast<Real>(sums(n, 0, c));
        }
      }
    }
}

template <class Real>
void scale_shift_backward(context<cpu>& ctx, view<const Real, cpu> dy, const scaled_input<Real, cpu>& in,
                          view<const master_of<Real>, cpu> factors, view<Real, cpu> dx, view<Real, cpu> dresidual) {
  detail::require_scaled_input("scale_shift_backward", in, dy.shape());
  require_shape("scale_shift_backward", {in.scale.extent(0), 3, in.x.extent(3)}, factors.shape());
  require_equal_shapes("scale_shift_backward", dy, dx);
  if (!dresidual.empty()) require_equal_shapes("scale_shift_backward", dy, dresidual);
  const index_t channels = dy.extent(3);
  if constexpr (!std::is_same_v<Real, double>) {
    if (detail::has_runs<Real>(in.act)) {
      const auto gradient = detail::normalisation_runs<Real>().scaled_gradient;
      detail::for_pixel_ranges(ctx, dy.shape(), [&](index_t n, index_t begin, index_t end) {
        const index_t first = (n * dy.extent(1) * dy.extent(2) + begin) * channels;
        gradient(detail::run_of(dy.data(), in, n, begin, end), detail::row_of_image(factors, n),
                 detail::stored(dx.data() + first),
                 dresidual.empty() ? nullptr : detail::stored(dresidual.data() + first));
      });
      return;
    }
  }
  detail::with_constant_epilogue<std::is_same_v<Real, double>>(in, [&](auto act, auto has_residual) {
    detail::for_pixel_ranges(ctx, dy.shape(), [&](index_t n, index_t begin, index_t end) {
      const index_t image = n * dy.extent(1) * dy.extent(2);
      const auto *scale = detail::row_of_image(in.scale, n), *shift = detail::row_of_image(in.shift, n);
      const auto *p = detail::row_of_image(factors, n), *q = p + channels, *r = q + channels;
      for (index_t i = image + begin; i < image + end; ++i) {
        const Real *x = in.x.data() + i * channels, *g = dy.data() + i * channels;
        const Real* residual = has_residual() ? in.residual.data() + i * channels : nullptr;
        Real* to = dx.data() + i * channels;
        Real* passed_on = has_residual() && !dresidual.empty() ? dresidual.data() + i * channels : nullptr;
        if (passed_on) {
#pragma omp simd
          for (index_t c = 0; c < channels; ++c) {
            const auto z = scale[c] * x[c] + shift[c] + residual[c];
            const auto dz = g[c] * activate_derivative(act(), z);
            passed_on[c] = static_cast<Real>(dz);
            to[c] = static_cast<Real>(p[c] * dz + q[c] * x[c] + r[c]);
          }
          continue;
        }
#pragma omp simd
        for (index_t c = 0; c < channels; ++c) {
          auto z = scale[c] * x[c] + shift[c];
          if constexpr (has_residual()) z += residual[c];
          to[c] = static_cast<Real>(p[c] * (g[c] * activate_derivative(act(), z)) + q[c] * x[c] + r[c]);
        }
      }
    });
  });
}

template <class Real>
void add_sums_of_images(context<cpu>&, view<const double, cpu> sums, index_t row, view<Real, cpu> gradient) {
  detail::require_sums_of_images("add_sums_of_images", sums.shape(), gradient.shape());
  for (index_t n = 0; n < sums.extent(0); ++n)
    for (index_t c = 0; c < sums.extent(2); ++c) gradient[c] += static_cast<Real>(sums(n, row, c));
}

}  // namespace aixcell
