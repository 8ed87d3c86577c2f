#pragma once
#include <type_traits>

#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/cpu/detail/depthwise.hpp>
#include <aixcell/kernels/cpu/detail/matrix_convolution.hpp>
#include <aixcell/kernels/cpu/detail/plain_convolution.hpp>
#include <aixcell/kernels/cpu/detail/tiled_convolution.hpp>
#include <aixcell/kernels/cpu/elementwise.hpp>
#include <aixcell/kernels/cpu/normalisation.hpp>

namespace aixcell {

namespace detail {

/// y = act(from + residual); `from` may be y.
template <class Real, class From>
void finish_convolution(context<cpu>& ctx, const conv2d_epilogue<Real, cpu>& e, view<const From, cpu> from,
                        view<Real, cpu> y) {
  with_constant_activation(e.act, [&](auto act) {
    parallel_ranges(ctx, y.size(), 1 << 15, [&](index_t begin, index_t end) {
      const From* sums = from.data();
      Real* to = y.data();
      if (const Real* residual = e.residual.data(); !e.residual.empty()) {
#pragma omp simd
        for (index_t i = begin; i < end; ++i) to[i] = static_cast<Real>(activate(act(), sums[i] + residual[i]));
      } else {
#pragma omp simd
        for (index_t i = begin; i < end; ++i) to[i] = static_cast<Real>(activate(act(), master_of<Real>(sums[i])));
      }
    });
  });
}
template <class Real>
void finish_convolution(context<cpu>& ctx, const conv2d_epilogue<Real, cpu>& e, view<Real, cpu> y) {
  if (!e.residual.empty() || e.act != activation::none) finish_convolution<Real, Real>(ctx, e, y, y);
}

template <class T>
T* data_or_null(view<T, cpu> v) {
  return v.empty() ? nullptr : v.data();
}

/// Whether the loops that write y do the whole epilogue: for the activations that most networks have.
template <class Real>
bool has_fused_loops(const conv2d_epilogue<Real, cpu>& e) {
  return e.act == activation::none || e.act == activation::relu;
}

/// What of an epilogue the loops do; finish_convolution does the rest, if there is one.
template <class Real>
sum_epilogue<Real> loops_epilogue(const conv2d_epilogue<Real, cpu>& e) {
  return {.scale = data_or_null(e.scale),
          .bias = data_or_null(e.bias),
          .residual = has_fused_loops(e) ? data_or_null(e.residual) : nullptr,
          .relu = e.act == activation::relu};
}

/// The same values as another type.
template <class To, class From>
tensor<To> converted(context<cpu>& ctx, view<const From, cpu> x) {
  tensor<To> y(ctx, x.shape());
  convert<To, From>(ctx, x, y);
  return y;
}

/// bfloat16 where has_matrix_loops says so; x is no more than a shape if it lies in `parts`.
inline void conv2d_by_matrix_unit(context<cpu>& ctx, view<const bfloat16, cpu> x, view<const float, cpu> filter,
                                  conv2d_geometry g, const conv2d_epilogue<bfloat16, cpu>& e, prepared_filter* kept,
                                  view<bfloat16, cpu> y, view<double, cpu> sums,
                                  std::span<const image_part<bfloat16>> parts = {}) {
  const bool fused = has_fused_loops(e), sums_of_bands = fused && g.dilation == 1 && y.size() > 0;
  matrix_convolution(ctx, x, filter, g, loops_epilogue(e), kept, y, sums_of_bands ? sums : view<double, cpu>{}, parts);
  if (!fused) finish_convolution(ctx, e, y);
  if (!sums_of_bands && !sums.empty()) channel_sums<bfloat16>(ctx, y, sums);
}

}  // namespace detail

/// `kept`, if given, is where the filter stays in the order in which the loops read it: empty before the first call, and
/// valid for that filter, geometry and scale. Concurrent calls may share it once it is filled. `sums`, if not empty, is
/// overwritten with the sums of y and of its squares [N,2,K], for a normalisation that follows, as channel_sums would.
template <class Real>
void conv2d(context<cpu>& ctx, view<const Real, cpu> x, view<const master_of<Real>, cpu> filter, conv2d_geometry g,
            const conv2d_epilogue<Real, cpu>& e, view<Real, cpu> y, detail::prepared_filter* kept = nullptr,
            view<double, cpu> sums = {}) {
  detail::require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  if constexpr (std::is_same_v<Real, bfloat16>) {
    if (detail::has_matrix_loops(g)) return detail::conv2d_by_matrix_unit(ctx, x, filter, g, e, kept, y, sums);
    const tensor<float> wide_x = detail::converted<float>(ctx, x);
    tensor<float> wide_y(ctx, y.shape());
    conv2d<float>(ctx, wide_x, filter, g, {.bias = e.bias, .scale = e.scale, .residual = {}}, wide_y, kept);
    if (e.residual.empty() && e.act == activation::none)
      convert<Real, float>(ctx, wide_y, y);
    else
      detail::finish_convolution<Real, float>(ctx, e, wide_y, y);
  } else {
    const auto *scale = detail::data_or_null(e.scale), *bias = detail::data_or_null(e.bias);
    const bool depthwise = detail::is_depthwise(filter.shape(), g), tiles = !depthwise && detail::has_tiles<Real>(g);
    if (depthwise) {
      detail::depthwise(ctx, x, filter, g, scale, bias, y);
    } else if (tiles) {
      if constexpr (std::is_same_v<Real, float>)
        detail::tiled_convolution(ctx, x, filter, g, detail::loops_epilogue(e), kept, y);
    } else {
      detail::plain_convolution(ctx, x, filter, g, scale, bias, y);
    }
    if (!tiles || !detail::has_fused_loops(e)) detail::finish_convolution(ctx, e, y);
  }
  if (!sums.empty()) channel_sums<Real>(ctx, y, sums);
}

template <class Real>
void conv2d_backward_data(context<cpu>& ctx, view<const Real, cpu> dy, view<const master_of<Real>, cpu> filter,
                          conv2d_geometry g, view<Real, cpu> dx) {
  detail::require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  if constexpr (std::is_same_v<Real, bfloat16>) {
    if (detail::has_matrix_loops(g)) return detail::matrix_backward_data(ctx, dy, filter, g, dx);
    tensor<float> wide_dx(ctx, dx.shape());
    conv2d_backward_data<float>(ctx, detail::converted<float>(ctx, dy), filter, g, wide_dx);
    convert<Real, float>(ctx, wide_dx, dx);
  } else if (detail::is_depthwise(filter.shape(), g)) {
    detail::depthwise_backward_data(ctx, dy, filter, g, dx);
  } else if (detail::has_tiles<Real>(g)) {
    if constexpr (std::is_same_v<Real, float>) detail::tiled_backward_data(ctx, dy, filter, g, dx);
  } else {
    detail::plain_backward_data(ctx, dy, filter, g, dx);
  }
}

template <class Real>
void conv2d_backward_filter(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> dy, conv2d_geometry g,
                            view<master_of<Real>, cpu> dfilter) {
  detail::require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  if constexpr (std::is_same_v<Real, bfloat16>) {
    if (detail::has_matrix_loops(g)) return detail::matrix_backward_filter(ctx, x, dy, g, dfilter);
    conv2d_backward_filter<float>(ctx, detail::converted<float>(ctx, x), detail::converted<float>(ctx, dy), g, dfilter);
  } else if (detail::is_depthwise(dfilter.shape(), g)) {
    detail::depthwise_backward_filter(ctx, x, dy, g, dfilter);
  } else if (detail::has_tiles<Real>(g)) {
    if constexpr (std::is_same_v<Real, float>) detail::tiled_backward_filter(ctx, x, dy, g, dfilter);
  } else {
    detail::plain_backward_filter(ctx, x, dy, g, dfilter);
  }
}

}  // namespace aixcell
