#pragma once
#include <type_traits>

#include <aixcell/core/short_list.hpp>
#include <aixcell/kernels/conv2d_joined.hpp>
#include <aixcell/kernels/cpu/conv2d.hpp>

namespace aixcell {

namespace detail {
template <class Real>
short_list<image_part<Real>> image_parts(const joined_views<const Real, cpu>& x) {
  short_list<image_part<Real>> parts;
  for (const auto& part : x.parts) parts.push_back({{.all = part, .channels = part.extent(3)}, x.doubled(part)});
  return parts;
}
}  // namespace detail

/// `kept` and `sums` as of conv2d.
template <class Real>
void conv2d(context<cpu>& ctx, const joined_views<const Real, cpu>& x, view<const master_of<Real>, cpu> filter,
            conv2d_geometry g, const conv2d_epilogue<Real, cpu>& e, view<Real, cpu> y,
            detail::prepared_filter* kept = nullptr, view<double, cpu> sums = {}) {
  detail::require_convolvable<Real>("conv2d", ctx, x, filter.shape(), g, y.shape());
  const auto parts = detail::image_parts(x);
  const view<const Real, cpu> whole{nullptr, x.whole()};
  if constexpr (std::is_same_v<Real, bfloat16>) {
    detail::conv2d_by_matrix_unit(ctx, whole, filter, g, e, kept, y, sums, parts);
  } else {
    detail::tiled_convolution(ctx, whole, filter, g, detail::loops_epilogue(e), kept, y, parts);
    if (!detail::has_fused_loops(e)) detail::finish_convolution(ctx, e, y);
    if (!sums.empty()) channel_sums<Real>(ctx, y, sums);
  }
}

template <class Real>
void conv2d_backward_data(context<cpu>& ctx, view<const Real, cpu> dy, view<const master_of<Real>, cpu> filter,
                          conv2d_geometry g, const joined_views<Real, cpu>& dx) {
  detail::require_parts("conv2d_backward_data", dx);
  detail::require_conv2d_shapes("conv2d_backward_data", dx.whole(), filter.shape(), g, dy.shape());
  short_list<detail::output_part<Real>> parts;
  index_t channel = 0;
  for (const auto& part : dx.parts) {
    parts.push_back({detail::every(part, 1, 0, 0, 0), channel});
    channel += part.extent(3);
  }
  const view<Real, cpu> whole{nullptr, dx.whole()};
  if constexpr (std::is_same_v<Real, bfloat16>)
    detail::matrix_backward_data(ctx, dy, filter, g, whole, parts);
  else
    detail::tiled_backward_data(ctx, dy, filter, g, whole, parts);
}

template <class Real>
void conv2d_backward_filter(context<cpu>& ctx, const joined_views<const Real, cpu>& x, view<const Real, cpu> dy,
                            conv2d_geometry g, view<master_of<Real>, cpu> dfilter) {
  detail::require_convolvable<Real>("conv2d_backward_filter", ctx, x, dfilter.shape(), g, dy.shape());
  if constexpr (std::is_same_v<Real, bfloat16>)
    detail::matrix_backward_filter(ctx, {nullptr, x.whole()}, dy, g, dfilter, detail::image_parts(x));
  else
    detail::winograd_filter_gradient(ctx, detail::image_parts(x), {x.height, x.width}, dy, g, dfilter);
}

}  // namespace aixcell
