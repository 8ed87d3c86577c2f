#pragma once
#include <algorithm>

#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/cpu/detail/correlation.hpp>

namespace aixcell::detail {

// Forward convolution and its data gradient as correlations of stride-1 taps, one for every phase of dilation or stride.

/// a = divisor * quotient + rest, 0 <= rest < divisor.
struct floored {
  index_t quotient, rest;
};
constexpr floored floor_divide(index_t a, index_t divisor) {
  const index_t rest = ((a % divisor) + divisor) % divisor;
  return {(a - rest) / divisor, rest};
}

/// Every `step`-th pixel of y from (row, column), channels from `first` on.
template <class Real>
strided_images<Real> every(view<Real, cpu> y, index_t step, index_t row, index_t column, index_t first) {
  const index_t height = y.extent(1), width = y.extent(2), channels = y.extent(3);
  return {y.data() + (row * width + column) * channels + first,
          (height - row + step - 1) / step,
          (width - column + step - 1) / step,
          step * channels,
          step * width * channels,
          height * width * channels};
}

/// Calls f(correlation). With dilation, outputs of one phase see inputs of one phase only.
template <class Real, class Function>
void for_each_forward_phase(view<const Real, cpu> x, const shape& filter, conv2d_geometry g,
                            const channel_slice& channels, view<Real, cpu> y, Function&& f) {
  const index_t d = g.dilation;
  for (index_t row = 0; row < std::min(d, y.extent(1)); ++row)
    for (index_t column = 0; column < std::min(d, y.extent(2)); ++column) {
      const floored above = floor_divide(row - g.padding, d), left = floor_divide(column - g.padding, d);
      f(correlation<Real>{.x = {.all = x,
                                .channels = channels.inputs,
                                .first_channel = channels.first_input,
                                .step = d,
                                .first_row = above.rest,
                                .first_column = left.rest},
                          .tap_rows = static_cast<int>(filter[1]),
                          .tap_columns = static_cast<int>(filter[2]),
                          .stride = g.stride,
                          .row_offset = above.quotient,
                          .column_offset = left.quotient,
                          .outputs = channels.outputs,
                          .out = every(y, d, row, column, channels.first_output)});
    }
}

/// The taps of a filter that a phase of the data gradient meets, turned round: its tap (r, t) is the filter's
/// (row(r), column(t)).
struct turned_taps {
  index_t first_row, first_column, step, rows, columns;

  index_t row(index_t r) const { return first_row + step * (rows - 1 - r); }
  index_t column(index_t t) const { return first_column + step * (columns - 1 - t); }
};

/// Calls f(correlation, turned_taps). With stride s, inputs at h = s * i + phase meet only every s-th filter row, so each
/// phase is a stride-1 correlation of dy with part of the filter, turned round: tap t reads dy at i + reach - t, where
/// reach = (phase + padding) / s. With dilation d, inputs of a phase meet the whole filter, but only every d-th pixel of dy.
template <class Real, class Function>
void for_each_backward_phase(view<const Real, cpu> dy, const shape& filter, conv2d_geometry g,
                             const channel_slice& channels, view<Real, cpu> dx, Function&& f) {
  const index_t s = g.stride, d = g.dilation, step = std::max(s, d);
  const auto taps_of_phase = [&](index_t first, index_t taps) { return first < taps ? (taps - first + s - 1) / s : 0; };
  for (index_t row = 0; row < std::min(step, dx.extent(1)); ++row)
    for (index_t column = 0; column < std::min(step, dx.extent(2)); ++column) {
      const floored below = floor_divide(row + g.padding, step), right = floor_divide(column + g.padding, step);
      // Of the filter, every s-th tap from the phase on; of dy, every d-th pixel from the phase on.
      const index_t r0 = s > 1 ? below.rest : 0, s0 = s > 1 ? right.rest : 0;
      const turned_taps taps{r0, s0, s, taps_of_phase(r0, filter[1]), taps_of_phase(s0, filter[2])};
      f(correlation<Real>{.x = {.all = dy,
                                .channels = channels.outputs,
                                .first_channel = channels.first_output,
                                .step = d,
                                .first_row = d > 1 ? below.rest : 0,
                                .first_column = d > 1 ? right.rest : 0},
                          .tap_rows = static_cast<int>(taps.columns > 0 ? taps.rows : 0),
                          .tap_columns = static_cast<int>(taps.columns),
                          .stride = 1,
                          .row_offset = below.quotient - (taps.rows - 1),
                          .column_offset = right.quotient - (taps.columns - 1),
                          .outputs = channels.inputs,
                          .out = every(dx, step, row, column, channels.first_input)},
        taps);
    }
}

}  // namespace aixcell::detail
