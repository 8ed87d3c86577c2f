#pragma once
#include <algorithm>

#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/cpu/detail/convolution_phases.hpp>
#include <aixcell/kernels/cpu/detail/winograd_gradient.hpp>

namespace aixcell::detail {

// Convolution of float32 images by register tiles. Images that lie in parts are views of no elements, and their parts besides.

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
  /// Whether every output of a bundle sees all of its inputs.
  bool dense() const { return merged_ == 1; }
  /// Whether output k of a bundle sees its input c.
  bool meet(index_t k, index_t c) const { return dense() || k / outputs_ == c / filter_.extent(3); }
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

/// Packs by weight(output, tap column, input), for filters whose groups are merged.
template <class Weight>
void pack_weights(const filter_block& block, index_t columns, index_t inputs, float* to, Weight&& weight) {
  for (index_t s = 0; s < columns; ++s)
    for (index_t i = 0; i < inputs; ++i, to += block.width)
      for (int k = 0; k < block.width; ++k) to[k] = k < block.valid ? weight(block.first + k, s, i) : 0.0f;
}

/// Packs the transpose of `from` [valid, window], a row every `step`, in squares that stay in registers or nearly so.
inline void pack_transposed(const filter_block& block, const float* from, index_t step, index_t window,
                            const float* scale, float* to) {
  constexpr index_t square = 16;
  for (index_t u = 0; u < window; u += square) {
    const index_t count = std::min(square, window - u);
    for (int k = 0; k < block.width; ++k) {
      const float factor = k >= block.valid ? 0.0f : scale ? scale[block.first + k] : 1.0f;
      const float* row = from + std::min(k, block.valid - 1) * step + u;
      for (index_t i = 0; i < count; ++i) to[(u + i) * block.width + k] = factor * row[i];
    }
  }
}

inline void tiled_convolution(context<cpu>& ctx, view<const float, cpu> x, view<const float, cpu> filter,
                              conv2d_geometry g, const sum_epilogue<float>& e, prepared_filter* kept, view<float, cpu> y,
                              std::span<const image_part<float>> x_parts = {}) {
  const group_bundles bundles(filter, g);
  if (bundles.count() > 1) kept = nullptr;
  const index_t window = filter.extent(2) * filter.extent(3), step = filter.extent(1) * window;
  for (index_t bundle = 0; bundle < bundles.count(); ++bundle) {
    const channel_slice channels = bundles.channels(bundle);
    const float* scale_of_bundle = e.scale ? e.scale + channels.first_output : nullptr;
    sum_epilogue<float> of_bundle{.bias = e.bias ? e.bias + channels.first_output : nullptr, .relu = e.relu};
    prepared_filter own;  // the same for all phases
    for_each_forward_phase(x, filter.shape(), g, channels, y, [&](correlation<float> c) {
      c.x_parts = x_parts;
      const packed_weights packed =
          packed_filter(ctx, c, kept, own, [&](const filter_block& block, index_t r, float* to) {
            if (bundles.dense())
              return pack_transposed(block, filter.data() + (channels.first_output + block.first) * step + r * window,
                                     step, window, scale_of_bundle, to);
            pack_weights(block, c.tap_columns, channels.inputs, to, [&](index_t k, index_t s, index_t input) {
              const float w = bundles.weight(channels.first_output, k, r, s, input);
              return scale_of_bundle ? w * scale_of_bundle[k] : w;
            });
          });
      if (e.residual) of_bundle.residual = e.residual + (c.out.data - y.data());
      correlate_images(ctx, c, of_bundle, packed);
    });
  }
}

inline void tiled_backward_data(context<cpu>& ctx, view<const float, cpu> dy, view<const float, cpu> filter,
                                conv2d_geometry g, view<float, cpu> dx,
                                std::span<const output_part<float>> dx_parts = {}) {
  const group_bundles bundles(filter, g);
  for (index_t bundle = 0; bundle < bundles.count(); ++bundle) {
    const channel_slice channels = bundles.channels(bundle);
    const auto pack_turned = [&](const turned_taps& taps, const filter_block& block, index_t r, float* to) {
      for (index_t t = 0; t < taps.columns; ++t)
        for (index_t k = 0; k < channels.outputs; ++k, to += block.width) {
          const float* from =
              filter.data() + bundles.at(channels.first_output + k, taps.row(r), taps.column(t), block.first);
          std::fill(std::copy_n(from, block.valid, to), to + block.width, 0.0f);
        }
    };
    for_each_backward_phase(dy, filter.shape(), g, channels, dx, [&](correlation<float> c, const turned_taps& taps) {
      c.out_parts = dx_parts;
      prepared_filter own;
      const packed_weights packed =
          packed_filter(ctx, c, nullptr, own, [&](const filter_block& block, index_t r, float* to) {
            if (bundles.dense()) return pack_turned(taps, block, r, to);
            pack_weights(block, c.tap_columns, channels.outputs, to, [&](index_t input, index_t t, index_t output) {
              return bundles.weight(channels.first_output, output, taps.row(r), taps.column(t), input);
            });
          });
      correlate_images(ctx, c, {}, packed);
    });
  }
}

inline void tiled_backward_filter(context<cpu>& ctx, view<const float, cpu> x, view<const float, cpu> dy,
                                  conv2d_geometry g, view<float, cpu> dfilter) {
  const group_bundles bundles(dfilter, g);
  if (gradient_by_winograd(dy.shape(), dfilter.shape(), g)) {
    const image_part<float> whole{{.all = x, .channels = x.extent(3)}};
    return winograd_filter_gradient(ctx, {&whole, 1}, {x.extent(1), x.extent(2)}, dy, g, dfilter);
  }
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

}  // namespace aixcell::detail
