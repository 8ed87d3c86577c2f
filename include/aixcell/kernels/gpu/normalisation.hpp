#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/normalisation.hpp>

namespace aixcell {

namespace detail {

template <class Stored>
struct channel_sums_of {
  static constexpr std::string_view name = "channel_sums";
  const Stored* x;
  int pixels, channels;
  constexpr sums<2> operator()(int n, int p, int c) const {
    const auto v = static_cast<double>(x[(n * pixels + p) * channels + c]);
    return {v, v * v};
  }
};

/// What `scaled_input` is inside a kernel: z = scale * x + shift + residual at a flat position.
template <class Real>
struct scaled_values {
  const Real *scale, *shift;
  activation act;
  int channels, image;  // values of an image; those of all images where scale has one row

  constexpr int coefficient(int i) const { return i / image * channels + i % channels; }
  constexpr Real at(int i, Real x, Real residual) const {
    const int k = coefficient(i);
    return scale[k] * x + shift[k] + residual;
  }
  template <class Stored, class Device>
  static scaled_values of(const scaled_input<Stored, Device>& in) {
    const index_t row = in.x.size() / (in.scale.extent(0) == 1 ? 1 : in.x.extent(0));
    return {in.scale.data(), in.shift.data(), in.act, static_cast<int>(in.x.extent(3)), static_cast<int>(row)};
  }
};

template <class Real>
struct scale_shift_values {
  static constexpr std::string_view name = "scale_shift_activate";
  scaled_values<Real> z;
  constexpr Real operator()(int i, Real x) const { return activate(z.act, z.at(i, x, Real(0))); }
  constexpr Real operator()(int i, Real x, Real residual) const { return activate(z.act, z.at(i, x, residual)); }
};

template <class Real>
struct scale_shift_gradient {
  static constexpr std::string_view name = "scale_shift_backward";
  scaled_values<Real> z;
  const Real* factors;  // [M,3,C]
  constexpr Real operator()(int i, Real dy, Real x) const {
    return with(i, dy * activate_derivative(z.act, z.at(i, x, Real(0))), x);
  }
  constexpr Real operator()(int i, Real dy, Real x, Real residual) const {
    return with(i, dy * activate_derivative(z.act, z.at(i, x, residual)), x);
  }
  constexpr Real with(int i, Real dz, Real x) const {
    const Real* const p = factors + 3 * (i / z.image) * z.channels + i % z.channels;
    return p[0] * dz + p[z.channels] * x + p[2 * z.channels];
  }
};

template <class Real>
struct residual_gradient {
  static constexpr std::string_view name = "gradient of the residual";
  scaled_values<Real> z;
  constexpr Real operator()(int i, Real dy, Real x, Real residual) const {
    return dy * activate_derivative(z.act, z.at(i, x, residual));
  }
};

template <class Stored>
struct backward_sums_of {
  static constexpr std::string_view name = "scale_shift_backward_sums";
  using Real = master_of<Stored>;
  scaled_values<Real> z;
  const Stored *dy, *x, *residual;
  int pixels;
  constexpr sums<2> operator()(int n, int p, int c) const {
    const int i = (n * pixels + p) * z.channels + c;
    const Real v = static_cast<Real>(x[i]), beside = residual ? static_cast<Real>(residual[i]) : Real(0);
    const Real dz = static_cast<Real>(dy[i]) * activate_derivative(z.act, z.at(i, v, beside));
    return {static_cast<double>(dz), static_cast<double>(dz * v)};
  }
};

/// One thread for each row of statistics and group of channels.
template <class Real>
struct moments_kernel {
  static constexpr std::string_view name = "normalisation_moments";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const double* sums, int rows, int channels, normalisation_scope scope,
                            double count, Real* mean, Real* variance) const {
    const int of_group = static_cast<int>(scope.channels), groups = channels / of_group,
              images = static_cast<int>(scope.images);
    const int i = global_rank(t), m = i / groups, first = i % groups * of_group;
    if (m >= rows) return;
    double sum = 0, square = 0;
    for (int n = m * images; n < (m + 1) * images; ++n)
      for (int c = first; c < first + of_group; ++c) {
        sum += sums[2 * n * channels + c];
        square += sums[(2 * n + 1) * channels + c];
      }
    const double middle = sum / count, spread = square / count - middle * middle;
    for (int c = first; c < first + of_group; ++c) {
      mean[m * channels + c] = static_cast<Real>(middle);
      variance[m * channels + c] = static_cast<Real>(spread > 0 ? spread : 0.0);
    }
  }
};

template <class Real>
struct coefficients_kernel {
  static constexpr std::string_view name = "normalisation_coefficients";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int count, int channels, const Real* mean, const Real* variance,
                            const Real* weight, const Real* bias, double epsilon, Real* scale, Real* shift) const {
    const int i = global_rank(t);
    if (i >= count) return;
    const double factor =
        static_cast<double>(weight[i % channels]) / std::sqrt(static_cast<double>(variance[i]) + epsilon);
    scale[i] = static_cast<Real>(factor);
    shift[i] = static_cast<Real>(static_cast<double>(bias[i % channels]) - static_cast<double>(mean[i]) * factor);
  }
};

template <class Real>
struct running_statistics_kernel {
  static constexpr std::string_view name = "move_running_statistics";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int channels, const Real* mean, const Real* variance, double momentum,
                            double unbiased, Real* running_mean, Real* running_variance) const {
    const int c = global_rank(t);
    if (c >= channels) return;
    const double old_mean = static_cast<double>(running_mean[c]),
                 old_variance = static_cast<double>(running_variance[c]);
    running_mean[c] = static_cast<Real>((1 - momentum) * old_mean + momentum * static_cast<double>(mean[c]));
    running_variance[c] =
        static_cast<Real>((1 - momentum) * old_variance + momentum * (unbiased * static_cast<double>(variance[c])));
  }
};

/// Factors p, q, r: one thread for each row and group. The formula stands in kernels/cpu/normalisation.hpp.
template <class Real>
struct backward_factors_kernel {
  static constexpr std::string_view name = "normalisation_backward: factors";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const double* sums, int rows, int channels, normalisation_scope scope,
                            double count, const Real* means, const Real* variances, const Real* weight, double epsilon,
                            Real* factors) const {
    const int of_group = static_cast<int>(scope.channels), groups = channels / of_group,
              images = static_cast<int>(scope.images);
    const int i = global_rank(t), m = i / groups, first = i % groups * of_group;
    if (m >= rows) return;
    const double mean = static_cast<double>(means[m * channels + first]);
    const double inverse = 1.0 / std::sqrt(static_cast<double>(variances[m * channels + first]) + epsilon);
    double a = 0, b = 0;
    for (int n = m * images; n < (m + 1) * images; ++n)
      for (int c = first; c < first + of_group; ++c) {
        const double s = sums[2 * n * channels + c], q = sums[(2 * n + 1) * channels + c],
                     w = static_cast<double>(weight[c]);
        a += w * s;
        b += w * (q - mean * s) * inverse;
      }
    for (int c = first; c < first + of_group; ++c) {
      Real* const to = factors + 3 * m * channels + c;
      to[0] = static_cast<Real>(static_cast<double>(weight[c]) * inverse);
      to[channels] = static_cast<Real>(-inverse * inverse * b / count);
      to[2 * channels] = static_cast<Real>((inverse * inverse * mean * b - inverse * a) / count);
    }
  }
};

/// Gradients of weight and bias: one thread a channel, over the images in order.
template <class Real>
struct parameter_gradients_kernel {
  static constexpr std::string_view name = "normalisation_backward: parameters";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const double* sums, int all_images, int channels, int images,
                            const Real* means, const Real* variances, double epsilon, Real* weight, Real* bias) const {
    const int c = global_rank(t);
    if (c >= channels) return;
    for (int n = 0; n < all_images; ++n) {
      const int k = n / images * channels + c;
      const double s = sums[2 * n * channels + c], q = sums[(2 * n + 1) * channels + c];
      const double inverse = 1.0 / std::sqrt(static_cast<double>(variances[k]) + epsilon);
      weight[c] += static_cast<Real>((q - static_cast<double>(means[k]) * s) * inverse);
      bias[c] += static_cast<Real>(s);
    }
  }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void channel_sums(context<Device>& ctx, view_on<const Real, Device> x, view_on<double, Device> sums) {
  detail::require_sums("channel_sums", x.shape(), sums.shape());
  detail::counted("channel_sums", x.size());
  if (x.empty()) return detail::launch_map(ctx, detail::zeros{}, sums.size(), sums.data());
  const auto pixels = static_cast<int>(x.extent(1) * x.extent(2)), channels = static_cast<int>(x.extent(3));
  detail::launch_column_sums<2>(ctx, detail::channel_sums_of<Real>{x.data(), pixels, channels},
                                static_cast<int>(x.extent(0)), pixels, channels, sums.data());
}

template <class Real, GpuDevice Device>
void normalisation_moments(context<Device>& ctx, view_on<const double, Device> sums, index_t pixels,
                           normalisation_scope scope,
                           const normalisation_statistics<Real, std::type_identity_t<Device>>& out) {
  const auto rows =
      static_cast<int>(detail::require_scope("normalisation_moments", sums.shape(), scope, out.mean.shape()));
  require_equal_shapes("normalisation_moments", out.mean, out.variance);
  const auto channels = static_cast<int>(sums.extent(2));
  const auto count = static_cast<double>(pixels * scope.images * scope.channels);
  launch(ctx, blocks_for(rows * (channels / scope.channels), 64), detail::moments_kernel<Real>{}, sums.data(), rows,
         channels, scope, count, out.mean.data(), out.variance.data());
}

template <class Real, GpuDevice Device>
void normalisation_coefficients(context<Device>& ctx,
                                const normalisation_inputs<Real, std::type_identity_t<Device>>& in,
                                view_on<Real, Device> scale, view_on<Real, Device> shift) {
  require_equal_shapes("normalisation_coefficients", in.mean, in.variance, scale, shift);
  const auto count = static_cast<int>(in.mean.size());
  launch(ctx, blocks_for(count, 64), detail::coefficients_kernel<Real>{}, count, static_cast<int>(in.weight.size()),
         in.mean.data(), in.variance.data(), in.weight.data(), in.bias.data(), in.epsilon, scale.data(), shift.data());
}

template <class Real, GpuDevice Device>
void move_running_statistics(context<Device>& ctx, const batch_statistics<Real, std::type_identity_t<Device>>& batch,
                             const normalisation_statistics<Real, std::type_identity_t<Device>>& running) {
  require_equal_shapes("move_running_statistics", batch.mean, batch.variance, running.mean, running.variance);
  const auto count = static_cast<double>(batch.count);
  const auto channels = static_cast<int>(batch.mean.size());
  launch(ctx, blocks_for(channels, 64), detail::running_statistics_kernel<Real>{}, channels, batch.mean.data(),
         batch.variance.data(), batch.momentum, batch.count > 1 ? count / (count - 1) : 1.0, running.mean.data(),
         running.variance.data());
}

template <class Real, GpuDevice Device>
void scale_shift_activate(context<Device>& ctx, const scaled_input<Real, std::type_identity_t<Device>>& in,
                          view_on<Real, Device> y) {
  detail::require_scaled_input("scale_shift_activate", in, y.shape());
  if (y.empty()) return;
  using master = master_of<Real>;
  const detail::scale_shift_values<master> f{detail::scaled_values<master>::of(in)};
  if (in.residual.empty())
    detail::launch_map(ctx, f, y.size(), y.data(), in.x.data());
  else
    detail::launch_map(ctx, f, y.size(), y.data(), in.x.data(), in.residual.data());
}

template <class Real, GpuDevice Device>
void scale_shift_backward_sums(context<Device>& ctx, view_on<const Real, Device> dy,
                               const scaled_input<Real, std::type_identity_t<Device>>& in,
                               view_on<double, Device> sums) {
  detail::require_scaled_input("scale_shift_backward_sums", in, dy.shape());
  detail::require_sums("scale_shift_backward_sums", dy.shape(), sums.shape());
  if (dy.empty()) return detail::launch_map(ctx, detail::zeros{}, sums.size(), sums.data());
  detail::counted("scale_shift_backward_sums", dy.size());
  const auto pixels = static_cast<int>(dy.extent(1) * dy.extent(2));
  const Real* const residual = in.residual.empty() ? nullptr : in.residual.data();
  detail::launch_column_sums<2>(
      ctx,
      detail::backward_sums_of<Real>{detail::scaled_values<master_of<Real>>::of(in), dy.data(), in.x.data(), residual,
                                     pixels},
      static_cast<int>(dy.extent(0)), pixels, static_cast<int>(dy.extent(3)), sums.data());
}

template <class Real, GpuDevice Device>
void normalisation_backward(context<Device>& ctx, view_on<const double, Device> sums, index_t pixels,
                            normalisation_scope scope,
                            const normalisation_inputs<Real, std::type_identity_t<Device>>& in,
                            const normalisation_gradients<Real, std::type_identity_t<Device>>& out) {
  const auto rows =
      static_cast<int>(detail::require_scope("normalisation_backward", sums.shape(), scope, in.mean.shape()));
  const auto channels = static_cast<int>(sums.extent(2));
  require_shape("normalisation_backward", {rows, 3, channels}, out.factors.shape());
  const auto count = static_cast<double>(pixels * scope.images * scope.channels);
  launch(ctx, blocks_for(rows * (channels / scope.channels), 64), detail::backward_factors_kernel<Real>{}, sums.data(),
         rows, channels, scope, count, in.mean.data(), in.variance.data(), in.weight.data(), in.epsilon,
         out.factors.data());
  launch(ctx, blocks_for(channels, 64), detail::parameter_gradients_kernel<Real>{}, sums.data(),
         static_cast<int>(sums.extent(0)), channels, static_cast<int>(scope.images), in.mean.data(), in.variance.data(),
         in.epsilon, out.weight.data(), out.bias.data());
}

/// dx may be dy; dresidual may be empty.
template <class Real, GpuDevice Device>
void scale_shift_backward(context<Device>& ctx, view_on<const Real, Device> dy,
                          const scaled_input<Real, std::type_identity_t<Device>>& in,
                          view_on<const master_of<Real>, Device> factors, view_on<Real, Device> dx,
                          view_on<Real, Device> dresidual) {
  detail::require_scaled_input("scale_shift_backward", in, dy.shape());
  require_shape("scale_shift_backward", {in.scale.extent(0), 3, in.x.extent(3)}, factors.shape());
  require_equal_shapes("scale_shift_backward", dy, dx);
  if (!dresidual.empty()) require_equal_shapes("scale_shift_backward", dy, dresidual);
  if (dy.empty()) return;
  const auto z = detail::scaled_values<master_of<Real>>::of(in);
  const detail::scale_shift_gradient<master_of<Real>> f{z, factors.data()};
  if (in.residual.empty()) return detail::launch_map(ctx, f, dx.size(), dx.data(), dy.data(), in.x.data());
  // Before dx, which may be dy.
  if (!dresidual.empty())
    detail::launch_map(ctx, detail::residual_gradient<master_of<Real>>{z}, dx.size(), dresidual.data(), dy.data(), in.x.data(),
                       in.residual.data());
  detail::launch_map(ctx, f, dx.size(), dx.data(), dy.data(), in.x.data(), in.residual.data());
}

template <class Real, GpuDevice Device>
void add_sums_of_images(context<Device>& ctx, view_on<const double, Device> sums, index_t row,
                        view_on<Real, Device> gradient) {
  detail::require_sums_of_images("add_sums_of_images", sums.shape(), gradient.shape());
  const auto channels = static_cast<int>(sums.extent(2));
  detail::launch_map(ctx,
                     detail::add_image_sums{sums.data() + row * channels, static_cast<int>(sums.extent(0)), 2 * channels},
                     channels, gradient.data(), static_cast<const Real*>(gradient.data()));
}

}  // namespace aixcell
