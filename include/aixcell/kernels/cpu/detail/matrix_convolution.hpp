#pragma once
#include <algorithm>
#include <array>

#include <aixcell/core/bfloat16.hpp>
#include <aixcell/kernels/cpu/detail/convolution_phases.hpp>
#include <aixcell/kernels/cpu/detail/matrix_tiles.hpp>

namespace aixcell::detail {

// Convolution of bfloat16 images by the matrix unit. Filters are float32 and rounded when they are packed; sums are float32.

inline const std::uint16_t* bits(const bfloat16* p) { return reinterpret_cast<const std::uint16_t*>(p); }
inline std::uint16_t* bits(bfloat16* p) { return reinterpret_cast<std::uint16_t*>(p); }

/// What happens to the sums before they are rounded.
struct matrix_epilogue {
  const float *scale = nullptr, *bias = nullptr;  // [outputs] or null
  const bfloat16* residual = nullptr;             // as the output, or null
  bool relu = false;
};

/// The filter of a correlation: `pack(first output, outputs, tap row, chunk, to)` writes a tile of it, 32 values of the
/// window of a tap row for 16 outputs.
template <class Pack>
const bfloat16* packed_filter(context<cpu>& ctx, const correlation<bfloat16>& c, prepared_filter* kept,
                              prepared_filter& own, Pack&& pack) {
  if (c.outputs == 0) return nullptr;
  const channel_blocks blocks{c.outputs, matrix_lanes};
  const index_t chunks = matrix_chunks(c.tap_columns * c.x.channels), depth = c.tap_rows * chunks * matrix_depth;
  return prepared_values<bfloat16>(ctx, kept, own, blocks.padded() * std::max<index_t>(depth, 1), [&](bfloat16* packed) {
    parallel_for(ctx, blocks.count(), [&](index_t b) {
      bfloat16* to = packed + blocks.first(b) * depth;
      for (index_t r = 0; r < c.tap_rows; ++r)
        for (index_t u = 0; u < chunks; ++u)
          for (index_t k = 0; k < blocks.width(b); k += matrix_lanes, to += matrix_lanes * matrix_depth)
            pack(blocks.first(b) + k, std::min<index_t>(matrix_lanes, c.outputs - blocks.first(b) - k), r, u, bits(to));
    });
  });
}

/// Work is cut into bands of output rows, whose padded input fits the second-level cache; filters that do not are cut into
/// groups of output channels too.
inline void correlate_images(context<cpu>& ctx, const correlation<bfloat16>& c, const matrix_epilogue& e,
                             const bfloat16* packed) {
  const matrix_unit& unit = best_matrix_unit();
  const index_t images = c.x.all.extent(0), channels = c.x.channels;
  if (c.outputs == 0 || images * c.out.height * c.out.width == 0) return;
  const channel_blocks blocks{c.outputs, matrix_lanes};
  const matrix_cut cut =
      cut_matrix_run(images, c.out.height, c.out.width, channels, c.tap_rows, c.tap_columns, c.stride, blocks);
  const index_t chunks = matrix_chunks(c.tap_columns * channels), depth = c.tap_rows * chunks * matrix_depth;

  tensor<float> scale_and_bias(ctx, {2, blocks.padded()});
  float *scale = scale_and_bias.data(), *bias = scale + blocks.padded();
  for (index_t k = 0; k < blocks.padded(); ++k) {
    scale[k] = e.scale && k < c.outputs ? e.scale[k] : 1.0f;
    bias[k] = e.bias && k < c.outputs ? e.bias[k] : 0.0f;
  }
  // A single tap on neighbouring pixels reads x where it lies.
  const bool in_place = c.tap_rows == 1 && c.tap_columns == 1 && c.stride == 1 && c.row_offset == 0 &&
                        c.column_offset == 0 && c.x.contiguous() && channels % matrix_depth == 0 &&
                        c.x.width() == c.out.width && c.x.height() == c.out.height;
  const bfloat16* const end = c.x.all.data() + c.x.all.size();

  parallel_for(ctx, cut.groups * images * cut.bands, [&](index_t task) {
    const index_t group = task / (images * cut.bands), n = task / cut.bands % images, band = task % cut.bands;
    const index_t row = band * cut.band_rows, rows = std::min(cut.band_rows, c.out.height - row);
    const index_t in_rows = (rows - 1) * c.stride + std::max(c.tap_rows, 1), count = in_rows * cut.columns * channels;
    tensor<bfloat16> copy;
    const bfloat16* x = in_place ? c.x.at(n, row, 0) : nullptr;
    if (!x || end - x < count + cut.overhang) {
      copy = tensor<bfloat16>(ctx, {count + cut.overhang});
      copy_padded(c.x, n, row * c.stride + c.row_offset, in_rows, c.column_offset, cut.columns, copy.data());
      std::fill_n(copy.data() + count, cut.overhang, bfloat16(0));
      x = copy.data();
    }
    matrix_run run{};
    run.x_row_step = cut.columns * channels;
    run.x_pixel_step = c.stride * channels;
    run.tap_rows = c.tap_rows;
    run.chunks = static_cast<int>(chunks);
    run.width = c.out.width;
    run.y_row_step = c.out.row_step;
    run.y_pixel_step = c.out.pixel_step;
    run.relu = e.relu;
    // With stride 1, positions run on from row to row over the padded width; else every row is a run of its own.
    const index_t runs = c.stride == 1 ? 1 : rows;
    run.pitch = c.stride == 1 ? cut.columns : c.out.width;
    run.positions = c.stride == 1 ? (rows - 1) * cut.columns + c.out.width : c.out.width;
    for (index_t b = blocks.count() * group / cut.groups; b < blocks.count() * (group + 1) / cut.groups; ++b) {
      const index_t at = n * c.out.image_step + row * c.out.row_step + blocks.first(b);
      run.filter = bits(packed + blocks.first(b) * depth);
      run.scale = scale + blocks.first(b), run.bias = bias + blocks.first(b);
      run.blocks = blocks.width(b) / matrix_lanes;
      run.channels = blocks.valid(b);
      for (index_t i = 0; i < runs; ++i) {
        run.x = bits(x + i * c.stride * run.x_row_step);
        run.y = bits(c.out.data + at + i * c.out.row_step);
        run.residual = e.residual ? bits(e.residual + at + i * c.out.row_step) : nullptr;
        unit.correlate(run);
      }
    }
  });
}

inline void matrix_convolution(context<cpu>& ctx, view<const bfloat16, cpu> x, view<const float, cpu> filter,
                               conv2d_geometry g, const matrix_epilogue& e, prepared_filter* kept,
                               view<bfloat16, cpu> y) {
  const index_t window = filter.extent(2) * filter.extent(3), filter_step = filter.extent(1) * window;
  const channel_slice all{0, x.extent(3), 0, y.extent(3)};
  prepared_filter own;  // the same for all phases
  for_each_forward_phase(x, filter.shape(), g, all, y, [&](const correlation<bfloat16>& c) {
    const bfloat16* packed =
        packed_filter(ctx, c, kept, own, [&](index_t k, index_t outputs, index_t r, index_t u, std::uint16_t* to) {
          best_matrix_unit().pack_outputs(filter.data() + k * filter_step + r * window + u * matrix_depth, filter_step,
                                          static_cast<int>(outputs), static_cast<int>(window - u * matrix_depth), to);
        });
    correlate_images(ctx, c, e, packed);
  });
}

inline void matrix_backward_data(context<cpu>& ctx, view<const bfloat16, cpu> dy, view<const float, cpu> filter,
                                 conv2d_geometry g, view<bfloat16, cpu> dx) {
  const index_t outputs = dy.extent(3), inputs = dx.extent(3), columns = filter.extent(2);
  const index_t row_step = columns * inputs, filter_step = filter.extent(1) * row_step;
  const channel_slice all{0, inputs, 0, outputs};
  for_each_backward_phase(dy, filter.shape(), g, all, dx, [&](const correlation<bfloat16>& c, const turned_taps& taps) {
    prepared_filter own;
    const auto pack = [&](index_t input, index_t count, index_t r, index_t u, std::uint16_t* to) {
      // A tile is up to 32 output channels of one tap, or of several where they do not fill it.
      for (index_t i = 0; i < matrix_depth;) {
        const index_t t = (u * matrix_depth + i) / outputs, k = (u * matrix_depth + i) % outputs;
        const index_t values = t < taps.columns ? std::min(outputs - k, matrix_depth - i) : matrix_depth - i;
        const float* from = t < taps.columns ? filter.data() + k * filter_step + taps.row(r) * row_step +
                                                   taps.column(t) * inputs + input
                                             : nullptr;
        best_matrix_unit().pack_inputs(from, filter_step, static_cast<int>(count), static_cast<int>(i),
                                       static_cast<int>(values), to);
        i += values;
      }
    };
    correlate_images(ctx, c, {}, packed_filter(ctx, c, nullptr, own, pack));
  });
}

/// The taps of a filter whose rows and columns of x are the same modulo the stride: over every stride-th pixel of x, from
/// (first_row, first_column) on, their offsets are row_offset.. and column_offset.. .
struct gradient_phase {
  conv2d_geometry g;
  index_t first_row, first_column, row_offset, column_offset, rows, columns;
  index_t tap_rows, tap_columns;

  /// Calls f(tap, rows down, columns right) of the first offset.
  template <class Function>
  void for_each_tap(Function&& f) const {
    for (index_t r = 0; r < tap_rows; ++r)
      for (index_t s = 0; s < tap_columns; ++s) {
        const floored row = floor_divide(r * g.dilation - g.padding, g.stride),
                      column = floor_divide(s * g.dilation - g.padding, g.stride);
        if (row.rest == first_row && column.rest == first_column)
          f(r * tap_columns + s, row.quotient - row_offset, column.quotient - column_offset);
      }
  }
};

template <class Function>
void for_each_gradient_phase(const shape& filter, conv2d_geometry g, Function&& f) {
  // First offset of a phase and how many rows they span.
  const auto offsets = [&](index_t phase, index_t taps) {
    index_t least = 0, count = 0;
    for (index_t t = taps; t-- > 0;)
      if (const floored at = floor_divide(t * g.dilation - g.padding, g.stride); at.rest == phase) {
        count = count > 0 ? count + least - at.quotient : 1;
        least = at.quotient;
      }
    return std::array{least, count};
  };
  for (index_t row = 0; row < g.stride; ++row)
    for (index_t column = 0; column < g.stride; ++column) {
      const auto [top, rows] = offsets(row, filter[1]);
      const auto [left, columns] = offsets(column, filter[2]);
      if (rows > 0 && columns > 0) f(gradient_phase{g, row, column, top, left, rows, columns, filter[1], filter[2]});
    }
}

/// dfilter [K,R,S,C] += the sum of partial [shares, taps, tiles of C, tiles of K * 16 * 16].
inline void add_tiles(context<cpu>& ctx, const tensor<float>& partial, view<float, cpu> dfilter) {
  const index_t outputs = dfilter.extent(0), taps = partial.extent(1), inputs = dfilter.extent(3);
  constexpr index_t lanes = matrix_lanes;
  const index_t share_step = partial.size() / partial.extent(0);
  parallel_for(ctx, matrix_tiles(outputs) * taps, [&](index_t task) {
    const index_t k = task / taps * lanes, tap = task % taps;
    for (index_t c = 0; c < inputs; c += lanes) {
      const float* from = partial.data() + (tap * partial.extent(2) + c / lanes) * partial.extent(3) + k * lanes;
      best_matrix_unit().add_tile(from, static_cast<int>(partial.extent(0)), share_step,
                                  dfilter.data() + (k * taps + tap) * inputs + c, taps * inputs,
                                  static_cast<int>(outputs - k), static_cast<int>(inputs - c));
    }
  });
}

/// dfilter += the gradient, tap by tap, as products of x, turned to rows of positions, and dy in pairs of positions. Rows
/// of dy are padded to those of x, so that a tap is an offset; the padding is zero. Each task adds a share of the rows into
/// a partial gradient of its own; the shares depend on shapes only and are summed in order: same bits for any number of
/// threads.
inline void matrix_backward_filter(context<cpu>& ctx, view<const bfloat16, cpu> x, view<const bfloat16, cpu> dy,
                                   conv2d_geometry g, view<float, cpu> dfilter) {
  const matrix_unit& unit = best_matrix_unit();
  if (dfilter.size() == 0 || dy.size() == 0) return;
  const index_t inputs = x.extent(3), outputs = dy.extent(3), taps = dfilter.extent(1) * dfilter.extent(2);
  const index_t x_tiles = matrix_tiles(inputs), dy_tiles = matrix_tiles(outputs), tile = matrix_lanes * matrix_lanes;
  const matrix_gradient_cut cut = cut_matrix_gradient(x.shape(), dy.shape(), dfilter.shape(), g.stride, g.dilation);
  const index_t bands_of_image = cut.bands_of_image(dy.extent(1)), image_positions = cut.rows_of_image * cut.pitch;
  tensor<float> partial(ctx, {cut.shares, taps, x_tiles, dy_tiles * tile});

  parallel_for(ctx, cut.shares * cut.groups, [&](index_t task) {
    const index_t share = task / cut.groups, group = task % cut.groups;
    const auto first_of = [&](index_t i) { return std::min(dy_tiles, (dy_tiles + 1) / 2 * i / cut.groups * 2); };
    const index_t first_tile = first_of(group), last_tile = first_of(group + 1);
    tensor<bfloat16> x_rows(ctx, {x_tiles * matrix_lanes, cut.x_step}), pairs(ctx, {last_tile - first_tile, cut.dy_step});
    tensor<bfloat16> copy(ctx, {cut.copied});
    const index_t first_band = cut.bands * share / cut.shares;
    for (index_t band = first_band; band < cut.bands * (share + 1) / cut.shares; ++band) {
      const index_t first_image = band / bands_of_image * cut.band_images, row = band % bands_of_image * cut.band_rows;
      const index_t images = std::min(cut.band_images, x.extent(0) - first_image);
      const index_t rows = std::min(cut.band_rows, dy.extent(1) - row);
      // Behind every image but the last, dy has as many rows of zeros as x has more than dy.
      const index_t positions = (images - 1) * image_positions + rows * cut.pitch, chunks = matrix_chunks(positions);
      const sampled_images<bfloat16> of_dy{.all = dy, .channels = outputs};
      for (index_t n = 0; n < images; ++n)
        copy_padded(of_dy, first_image + n, row, n + 1 < images ? cut.rows_of_image : rows, 0, cut.pitch,
                    copy.data() + n * image_positions * outputs);
      std::fill(copy.data() + positions * outputs, copy.data() + chunks * matrix_depth * outputs, bfloat16(0));
      for (index_t k = first_tile; k < last_tile; ++k)
        unit.to_pairs(bits(copy.data() + k * matrix_lanes), outputs, static_cast<int>(outputs - k * matrix_lanes), chunks,
                      bits(pairs.slice(k - first_tile).data()));

      for_each_gradient_phase(dfilter.shape(), g, [&](const gradient_phase& phase) {
        // The rows and columns of this phase of x that any of its taps reads.
        const sampled_images<bfloat16> of_x{.all = x,
                                            .channels = inputs,
                                            .step = g.stride,
                                            .first_row = phase.first_row,
                                            .first_column = phase.first_column};
        const index_t x_rows_of_image = rows + cut.rows_of_image - cut.band_rows;
        for (index_t n = 0; n < images; ++n)
          copy_padded(of_x, first_image + n, row + phase.row_offset, x_rows_of_image, phase.column_offset, cut.pitch,
                      copy.data() + n * image_positions * inputs);
        const index_t copied = ((images - 1) * cut.rows_of_image + x_rows_of_image) * cut.pitch;
        const index_t x_chunks = matrix_chunks(copied + phase.columns + matrix_depth);
        std::fill(copy.data() + copied * inputs, copy.data() + x_chunks * matrix_depth * inputs, bfloat16(0));
        for (index_t c = 0; c < x_tiles; ++c)
          unit.to_rows(bits(copy.data() + c * matrix_lanes), inputs, static_cast<int>(inputs - c * matrix_lanes),
                       x_chunks, bits(x_rows.slice(c * matrix_lanes).data()), cut.x_step);
        for (index_t k = first_tile; k < last_tile; k += 2)
          for (index_t c = 0; c < x_tiles; c += 2)
            phase.for_each_tap([&](index_t tap, index_t down, index_t right) {
              unit.accumulate_outer({.x = bits(x_rows.slice(c * matrix_lanes).data() + down * cut.pitch + right),
                                     .x_step = cut.x_step,
                                     .dy = bits(pairs.slice(k - first_tile).data()),
                                     .dy_step = cut.dy_step,
                                     .x_blocks = static_cast<int>(std::min<index_t>(2, x_tiles - c)),
                                     .dy_blocks = static_cast<int>(std::min<index_t>(2, last_tile - k)),
                                     .chunks = chunks,
                                     .fresh = band == first_band,
                                     .sums = partial.slice(share).slice(tap).slice(c).data() + k * tile,
                                     .x_tile_step = dy_tiles * tile});
            });
      });
    }
  });
  add_tiles(ctx, partial, dfilter);
}

}  // namespace aixcell::detail
