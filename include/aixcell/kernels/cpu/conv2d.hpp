#pragma once
#include <type_traits>

#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/cpu/detail/correlation.hpp>
#include <aixcell/kernels/cpu/detail/depthwise.hpp>
#include <aixcell/kernels/cpu/detail/plain_convolution.hpp>

namespace aixcell {

namespace detail {

/// y = act(y + residual).
template <class Real>
void finish_convolution(context<cpu>& ctx, const conv2d_epilogue<Real, cpu>& e, view<Real, cpu> y) {
  if (e.residual.empty() && e.act == activation::none) return;
  with_constant_activation(e.act, [&](auto act) {
    parallel_ranges(ctx, y.size(), 1 << 15, [&](index_t begin, index_t end) {
      Real* to = y.data();
      if (const Real* residual = e.residual.data(); !e.residual.empty()) {
#pragma omp simd
        for (index_t i = begin; i < end; ++i) to[i] = activate(act(), to[i] + residual[i]);
      } else {
#pragma omp simd
        for (index_t i = begin; i < end; ++i) to[i] = activate(act(), to[i]);
      }
    });
  });
}

/// A grouped filter [K,R,S,C/groups] as dense ones: neighbouring groups are merged until their outputs fill a register,
/// with zeros where an output does not see an input. One group is its own bundle.
class group_bundles {
 public:
  group_bundles(view<const float, cpu> filter, conv2d_geometry g)
      : filter_(filter), outputs_(filter.extent(0) / g.groups), groups_(g.groups) {
    merged_ = merged_groups(outputs_, groups_);
  }

  index_t count() const { return (groups_ + merged_ - 1) / merged_; }
  channel_slice channels(index_t bundle) const {
    const index_t first = bundle * merged_, groups = std::min(merged_, groups_ - first), inputs = filter_.extent(3);
    return {first * inputs, groups * inputs, first * outputs_, groups * outputs_};
  }
  /// Whether output k of a bundle sees its input c.
  bool meet(index_t k, index_t c) const { return merged_ == 1 || k / outputs_ == c / filter_.extent(3); }
  /// Where the weight of absolute output k for input c of the bundle lies.
  index_t at(index_t k, index_t r, index_t s, index_t c) const {
    return ((k * filter_.extent(1) + r) * filter_.extent(2) + s) * filter_.extent(3) + c % filter_.extent(3);
  }
  float weight(index_t first_output, index_t k, index_t r, index_t s, index_t c) const {
    return meet(k, c) ? filter_[at(first_output + k, r, s, c)] : 0.0f;
  }

 private:
  view<const float, cpu> filter_;
  index_t outputs_, groups_, merged_;
};

/// a = divisor * quotient + rest, 0 <= rest < divisor.
struct floored {
  index_t quotient, rest;
};
constexpr floored floor_divide(index_t a, index_t divisor) {
  const index_t rest = ((a % divisor) + divisor) % divisor;
  return {(a - rest) / divisor, rest};
}

/// Every `step`-th pixel of y from (row, column), channels from `first` on.
inline strided_images every(view<float, cpu> y, index_t step, index_t row, index_t column, index_t first) {
  const index_t height = y.extent(1), width = y.extent(2), channels = y.extent(3);
  return {y.data() + (row * width + column) * channels + first,
          (height - row + step - 1) / step,
          (width - column + step - 1) / step,
          step * channels,
          step * width * channels,
          height * width * channels};
}

inline void tiled_convolution(context<cpu>& ctx, view<const float, cpu> x, view<const float, cpu> filter,
                              conv2d_geometry g, const float* scale, const float* bias, view<float, cpu> y) {
  const group_bundles bundles(filter, g);
  const index_t d = g.dilation;
  for (index_t bundle = 0; bundle < bundles.count(); ++bundle) {
    const channel_slice channels = bundles.channels(bundle);
    // With dilation, outputs of one phase see inputs of one phase only.
    for (index_t row = 0; row < std::min(d, y.extent(1)); ++row)
      for (index_t column = 0; column < std::min(d, y.extent(2)); ++column) {
        const floored above = floor_divide(row - g.padding, d), left = floor_divide(column - g.padding, d);
        const correlation c{.x = {.all = x,
                                  .channels = channels.inputs,
                                  .first_channel = channels.first_input,
                                  .step = d,
                                  .first_row = above.rest,
                                  .first_column = left.rest},
                            .tap_rows = static_cast<int>(filter.extent(1)),
                            .tap_columns = static_cast<int>(filter.extent(2)),
                            .stride = g.stride,
                            .row_offset = above.quotient,
                            .column_offset = left.quotient,
                            .outputs = channels.outputs,
                            .bias = bias ? bias + channels.first_output : nullptr,
                            .out = every(y, d, row, column, channels.first_output)};
        correlate_images(ctx, c, [&](index_t k, index_t r, index_t s, index_t input) {
          const float w = bundles.weight(channels.first_output, k, r, s, input);
          return scale ? w * scale[channels.first_output + k] : w;
        });
      }
  }
}

/// With stride s, inputs at h = s * i + phase meet only every s-th filter row, so each phase is a stride-1 correlation
/// of dy with part of the filter, turned round: tap t reads dy at i + reach - t, where reach = (phase + padding) / s.
/// With dilation d, inputs of a phase meet the whole filter, but only every d-th pixel of dy.
inline void tiled_backward_data(context<cpu>& ctx, view<const float, cpu> dy, view<const float, cpu> filter,
                                conv2d_geometry g, view<float, cpu> dx) {
  const group_bundles bundles(filter, g);
  const index_t s = g.stride, d = g.dilation, step = std::max(s, d);
  const auto taps_of_phase = [&](index_t first, index_t taps) { return first < taps ? (taps - first + s - 1) / s : 0; };
  for (index_t bundle = 0; bundle < bundles.count(); ++bundle) {
    const channel_slice channels = bundles.channels(bundle);
    for (index_t row = 0; row < std::min(step, dx.extent(1)); ++row)
      for (index_t column = 0; column < std::min(step, dx.extent(2)); ++column) {
        const floored below = floor_divide(row + g.padding, step), right = floor_divide(column + g.padding, step);
        // Of the filter, every s-th tap from the phase on; of dy, every d-th pixel from the phase on.
        const index_t r0 = s > 1 ? below.rest : 0, s0 = s > 1 ? right.rest : 0;
        const index_t rows = taps_of_phase(r0, filter.extent(1)), columns = taps_of_phase(s0, filter.extent(2));
        const correlation c{.x = {.all = dy,
                                  .channels = channels.outputs,
                                  .first_channel = channels.first_output,
                                  .step = d,
                                  .first_row = d > 1 ? below.rest : 0,
                                  .first_column = d > 1 ? right.rest : 0},
                            .tap_rows = static_cast<int>(columns > 0 ? rows : 0),
                            .tap_columns = static_cast<int>(columns),
                            .stride = 1,
                            .row_offset = below.quotient - (rows - 1),
                            .column_offset = right.quotient - (columns - 1),
                            .outputs = channels.inputs,
                            .bias = nullptr,
                            .out = every(dx, step, row, column, channels.first_input)};
        correlate_images(ctx, c, [&](index_t input, index_t r, index_t t, index_t output) {
          return bundles.weight(channels.first_output, output, r0 + s * (rows - 1 - r), s0 + s * (columns - 1 - t),
                                input);
        });
      }
  }
}

inline void tiled_backward_filter(context<cpu>& ctx, view<const float, cpu> x, view<const float, cpu> dy,
                                  conv2d_geometry g, view<float, cpu> dfilter) {
  const group_bundles bundles(dfilter, g);
  if (g.groups == 1) return accumulate_filter_gradient(ctx, x, dy, g, bundles.channels(0), dfilter);
  for (index_t bundle = 0; bundle < bundles.count(); ++bundle) {
    const channel_slice channels = bundles.channels(bundle);
    auto dense = tensor<float>::zeros(ctx, {channels.outputs, dfilter.extent(1), dfilter.extent(2), channels.inputs});
    accumulate_filter_gradient(ctx, x, dy, g, channels, dense);
    for (index_t k = 0; k < channels.outputs; ++k)
      for (index_t r = 0; r < dfilter.extent(1); ++r)
        for (index_t s = 0; s < dfilter.extent(2); ++s)
          for (index_t c = 0; c < channels.inputs; ++c)
            if (bundles.meet(k, c)) dfilter[bundles.at(channels.first_output + k, r, s, c)] += dense(k, r, s, c);
  }
}

}  // namespace detail

template <class Real>
void conv2d(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> filter, conv2d_geometry g,
            const conv2d_epilogue<Real, cpu>& e, view<Real, cpu> y) {
  detail::require_conv2d_shapes("conv2d", x.shape(), filter.shape(), g, y.shape());
  const Real *scale = e.scale.empty() ? nullptr : e.scale.data(), *bias = e.bias.empty() ? nullptr : e.bias.data();
  if (detail::is_depthwise(filter.shape(), g)) {
    detail::depthwise(ctx, x, filter, g, scale, bias, y);
  } else if (detail::has_tiles<Real>(g)) {
    if constexpr (std::is_same_v<Real, float>) detail::tiled_convolution(ctx, x, filter, g, scale, bias, y);
  } else {
    detail::plain_convolution(ctx, x, filter, g, scale, bias, y);
  }
  detail::finish_convolution(ctx, e, y);
}

template <class Real>
void conv2d_backward_data(context<cpu>& ctx, view<const Real, cpu> dy, view<const Real, cpu> filter, conv2d_geometry g,
                          view<Real, cpu> dx) {
  detail::require_conv2d_shapes("conv2d_backward_data", dx.shape(), filter.shape(), g, dy.shape());
  if (detail::is_depthwise(filter.shape(), g)) {
    detail::depthwise_backward_data(ctx, dy, filter, g, dx);
  } else if (detail::has_tiles<Real>(g)) {
    if constexpr (std::is_same_v<Real, float>) detail::tiled_backward_data(ctx, dy, filter, g, dx);
  } else {
    detail::plain_backward_data(ctx, dy, filter, g, dx);
  }
}

template <class Real>
void conv2d_backward_filter(context<cpu>& ctx, view<const Real, cpu> x, view<const Real, cpu> dy, conv2d_geometry g,
                            view<Real, cpu> dfilter) {
  detail::require_conv2d_shapes("conv2d_backward_filter", x.shape(), dfilter.shape(), g, dy.shape());
  if (detail::is_depthwise(dfilter.shape(), g)) {
    detail::depthwise_backward_filter(ctx, x, dy, g, dfilter);
  } else if (detail::has_tiles<Real>(g)) {
    if constexpr (std::is_same_v<Real, float>) detail::tiled_backward_filter(ctx, x, dy, g, dfilter);
  } else {
    detail::plain_backward_filter(ctx, x, dy, g, dfilter);
  }
}

}  // namespace aixcell
