#pragma once
#include <algorithm>
#include <array>

#include <aixcell/core/bfloat16.hpp>
#include <aixcell/kernels/cpu/detail/convolution_phases.hpp>
#include <aixcell/kernels/cpu/detail/instruction_sets.hpp>
#include <aixcell/kernels/cpu/detail/pixel_ranges.hpp>

namespace aixcell::detail {

// Convolution of bfloat16 images by the matrix unit. Filters are float32 and rounded when they are packed; sums are float32.

inline const std::uint16_t* bits(const bfloat16* p) { return reinterpret_cast<const std::uint16_t*>(p); }
inline std::uint16_t* bits(bfloat16* p) { return reinterpret_cast<std::uint16_t*>(p); }

/// In which order the tiles of a filter are packed: as neighbours lie in the filter.
enum class packing_order { windows_of_outputs, outputs_of_windows };

/// The filter of a correlation: `pack(first output, outputs, tap row, chunk, to)` writes a tile of it, 32 values of the
/// window of a tap row for 16 outputs.
template <class Pack>
const bfloat16* packed_filter(context<cpu>& ctx, const correlation<bfloat16>& c, packing_order order,
                              prepared_filter* kept, prepared_filter& own, Pack&& pack) {
  if (c.outputs == 0) return nullptr;
  const channel_blocks blocks{c.outputs, matrix_lanes};
  const index_t chunks = matrix_chunks(c.tap_columns * c.x.channels), depth = c.tap_rows * chunks * matrix_depth;
  return prepared_values<bfloat16>(ctx, kept, own, blocks.padded() * std::max<index_t>(depth, 1), [&](bfloat16* packed) {
    const auto pack_tiles = [&](index_t b, index_t step) {
      bfloat16* to = packed + (blocks.first(b) * chunks * c.tap_rows + step * blocks.width(b)) * matrix_depth;
      for (index_t k = 0; k < blocks.width(b); k += matrix_lanes, to += matrix_lanes * matrix_depth)
        pack(blocks.first(b) + k, std::min<index_t>(matrix_lanes, c.outputs - blocks.first(b) - k), step / chunks,
             step % chunks, bits(to));
    };
    const index_t steps = c.tap_rows * chunks;
    if (order == packing_order::windows_of_outputs)
      parallel_for(ctx, blocks.count(), [&](index_t b) {
        for (index_t step = 0; step < steps; ++step) pack_tiles(b, step);
      });
    else
      parallel_for(ctx, steps, [&](index_t step) {
        for (index_t b = 0; b < blocks.count(); ++b) pack_tiles(b, step);
      });
  });
}

/// Work is cut into bands of output rows, whose padded input fits the second-level cache; filters that do not are cut into
/// groups of output channels too, which share the copies of the bands. `sums` is empty, or [images,2,outputs] for the sums of
/// what was written and of its squares: a band is summed while it is in a cache; rows of y are then neighbours.
inline void correlate_images(context<cpu>& ctx, const correlation<bfloat16>& c, const sum_epilogue<bfloat16>& e,
                             const bfloat16* packed, view<double, cpu> sums = {}) {
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
  const bool in_place = c.x_parts.empty() && c.tap_rows == 1 && c.tap_columns == 1 && c.stride == 1 && c.row_offset == 0 &&
                        c.column_offset == 0 && c.x.contiguous() && channels % matrix_depth == 0 &&
                        c.x.width() == c.out.width && c.x.height() == c.out.height;
  const output_part<bfloat16> all{c.out, 0};
  const std::span out_parts = c.out_parts.empty() ? std::span(&all, 1) : c.out_parts;

  const index_t row_step = cut.columns * channels;
  struct band_extent {
    index_t image = 0, row = 0, rows = 0;
  };
  const auto extent_of = [&](index_t band) {
    band_extent at{.image = band / cut.bands, .row = band % cut.bands * cut.band_rows};
    at.rows = std::min(cut.band_rows, c.out.height - at.row);
    return at;
  };
  const auto copy_band = [&](const band_extent& at, bfloat16* to) {
    for (index_t plane = 0; plane < cut.planes; ++plane)
      for (index_t i = 0; i < cut.plane_rows(at.rows); ++i, to += row_step)
        copy_padded(c.x, at.image, (at.row + i) * c.stride + plane + c.row_offset, 1, c.column_offset, cut.columns, to,
                    c.x_parts);
    std::fill_n(to, cut.overhang, bfloat16(0));
  };
  const auto multiply = [&](const band_extent& at, const bfloat16* x, index_t first_block, index_t last_block) {
    matrix_run run{};
    run.x_plane_step = cut.plane_rows(at.rows) * row_step;
    run.x_row_step = row_step;
    run.x_pixel_step = c.stride * channels;
    run.planes = static_cast<int>(cut.planes);
    run.tap_rows = c.tap_rows;
    run.chunks = static_cast<int>(chunks);
    run.width = c.out.width;
    run.relu = e.relu;
    // Positions run on from row to row over the padded width.
    run.pitch = cut.columns / c.stride;
    run.positions = (at.rows - 1) * run.pitch + c.out.width;
    for (index_t b = first_block; b < last_block; ++b) {
      const auto& [out, first_channel] = part_with(out_parts, blocks.first(b));
      const index_t y = at.image * out.image_step + at.row * out.row_step + blocks.first(b) - first_channel;
      run.filter = bits(packed + blocks.first(b) * depth);
      run.scale = scale + blocks.first(b), run.bias = bias + blocks.first(b);
      run.blocks = blocks.width(b) / matrix_lanes;
      run.channels = blocks.valid(b);
      run.x = bits(x);
      run.y = bits(out.data + y);
      run.y_row_step = out.row_step;
      run.y_pixel_step = out.pixel_step;
      run.residual = e.residual ? bits(e.residual + y) : nullptr;
      unit.correlate(run);
    }
  };
  // Where x may be read as it lies, the tiles that reach beyond its end may not.
  const auto lies_ready = [&](const band_extent& at) {
    return in_place && c.x.all.data() + c.x.all.size() - c.x.at(at.image, at.row, 0) >= at.rows * row_step + cut.overhang;
  };

  tensor<double> sums_of_bands;
  if (!sums.empty()) sums_of_bands = tensor<double>::zeros(ctx, {images, cut.bands, 2 * c.outputs});
  const auto add_sums = [&](const band_extent& at, index_t first_block, index_t last_block) {
    const index_t first = blocks.first(first_block), channels_of_group = std::min(c.outputs, blocks.first(last_block)) - first;
    double* to = sums_of_bands.data() + (at.image * cut.bands + at.row / cut.band_rows) * 2 * c.outputs + first;
    best_instruction_set().normalise_bfloat16.add_sums(
        bits(c.out.data + at.image * c.out.image_step + at.row * c.out.row_step + first), at.rows * c.out.width,
        c.out.pixel_step, channels_of_group, to, to + c.outputs);
  };

  const index_t bands = images * cut.bands;
  tensor<bfloat16> shared;
  if (cut.groups > 1) shared = tensor<bfloat16>(ctx, {cut.chunk, cut.copied});
  for (index_t first = 0, step = cut.groups > 1 ? cut.chunk : bands; first < bands; first += step) {
    const index_t count = std::min(step, bands - first);
    if (cut.groups > 1)
      parallel_for(ctx, count, [&](index_t i) {
        if (const band_extent at = extent_of(first + i); !lies_ready(at)) copy_band(at, shared.slice(i).data());
      });
    parallel_for(ctx, cut.groups * count, [&](index_t task) {
      const index_t group = task / count, i = task % count;
      const band_extent at = extent_of(first + i);
      tensor<bfloat16> own;
      const bfloat16* x = nullptr;
      if (lies_ready(at)) {
        x = c.x.at(at.image, at.row, 0);
      } else if (cut.groups > 1) {
        x = shared.slice(i).data();
      } else {
        own = tensor<bfloat16>(ctx, {cut.copied});
        copy_band(at, own.data());
        x = own.data();
      }
      const index_t first_block = blocks.count() * group / cut.groups, last_block = blocks.count() * (group + 1) / cut.groups;
      multiply(at, x, first_block, last_block);
      if (!sums.empty()) add_sums(at, first_block, last_block);
    });
  }
  if (!sums.empty()) sum_parts(ctx, sums_of_bands, sums);
}

inline void matrix_convolution(context<cpu>& ctx, view<const bfloat16, cpu> x, view<const float, cpu> filter,
                               conv2d_geometry g, const sum_epilogue<bfloat16>& e, prepared_filter* kept,
                               view<bfloat16, cpu> y, view<double, cpu> sums,
                               std::span<const image_part<bfloat16>> x_parts = {}) {
  const index_t window = filter.extent(2) * filter.extent(3), filter_step = filter.extent(1) * window;
  const channel_slice all{0, x.extent(3), 0, y.extent(3)};
  const auto pack = [&](index_t k, index_t outputs, index_t r, index_t u, std::uint16_t* to) {
    best_matrix_unit().pack_outputs(filter.data() + k * filter_step + r * window + u * matrix_depth, filter_step,
                                    static_cast<int>(outputs), static_cast<int>(window - u * matrix_depth), to);
  };
  prepared_filter own;  // the same for all phases
  for_each_forward_phase(x, filter.shape(), g, all, y, [&](correlation<bfloat16> c) {
    c.x_parts = x_parts;
    const bfloat16* packed =
        packed_filter(ctx, c, packing_order::windows_of_outputs, kept, own, pack);
    sum_epilogue<bfloat16> of_phase = e;
    if (e.residual) of_phase.residual += c.out.data - y.data();
    correlate_images(ctx, c, of_phase, packed, sums);
  });
}

inline void matrix_backward_data(context<cpu>& ctx, view<const bfloat16, cpu> dy, view<const float, cpu> filter,
                                 conv2d_geometry g, view<bfloat16, cpu> dx,
                                 std::span<const output_part<bfloat16>> dx_parts = {}) {
  const index_t outputs = dy.extent(3), inputs = dx.extent(3), columns = filter.extent(2);
  const index_t row_step = columns * inputs, filter_step = filter.extent(1) * row_step;
  const channel_slice all{0, inputs, 0, outputs};
  for_each_backward_phase(dy, filter.shape(), g, all, dx, [&](correlation<bfloat16> c, const turned_taps& taps) {
    c.out_parts = dx_parts;
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
    correlate_images(ctx, c, {}, packed_filter(ctx, c, packing_order::outputs_of_windows, nullptr, own, pack));
  });
}

/// The taps of a filter whose rows and columns of x are the same modulo the stride: every stride-th from (tap_row,
/// tap_column) on. Over every stride-th pixel of x, from (first_row, first_column) on, their offsets begin at
/// (row_offset, column_offset) and are `reach` apart.
struct gradient_phase {
  index_t first_row, first_column, row_offset, column_offset;
  index_t tap_row, tap_column, tap_rows, tap_columns, reach;
};

template <class Function>
void for_each_gradient_phase(const shape& filter, conv2d_geometry g, Function&& f) {
  // The first tap of a phase, and how many there are.
  const auto taps_of = [&](index_t phase, index_t taps) {
    index_t first = 0;
    while (first < taps && floor_divide(first * g.dilation - g.padding, g.stride).rest != phase) ++first;
    return std::array{first, (taps - first + g.stride - 1) / g.stride};
  };
  for (index_t row = 0; row < g.stride; ++row)
    for (index_t column = 0; column < g.stride; ++column) {
      const auto [top, rows] = taps_of(row, filter[1]);
      const auto [left, columns] = taps_of(column, filter[2]);
      if (rows == 0 || columns == 0) continue;
      f(gradient_phase{.first_row = row,
                       .first_column = column,
                       .row_offset = floor_divide(top * g.dilation - g.padding, g.stride).quotient,
                       .column_offset = floor_divide(left * g.dilation - g.padding, g.stride).quotient,
                       .tap_row = top,
                       .tap_column = left,
                       .tap_rows = rows,
                       .tap_columns = columns,
                       .reach = g.stride > 1 ? 1 : g.dilation});
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
/// of dy are padded to those of x, so that a tap is an offset; the padding is zero. Sums are shared out by shapes only and
/// added in order: same bits for any number of threads.
inline void matrix_backward_filter(context<cpu>& ctx, view<const bfloat16, cpu> x, view<const bfloat16, cpu> dy,
                                   conv2d_geometry g, view<float, cpu> dfilter,
                                   std::span<const image_part<bfloat16>> x_parts = {}) {
  const matrix_unit& unit = best_matrix_unit();
  if (dfilter.size() == 0 || dy.size() == 0) return;
  const index_t inputs = x.extent(3), outputs = dy.extent(3), tap_columns = dfilter.extent(2);
  const index_t taps = dfilter.extent(1) * tap_columns, lanes = matrix_lanes, tile = lanes * lanes;
  const index_t x_tiles = matrix_tiles(inputs), dy_tiles = matrix_tiles(outputs);
  const index_t x_pairs = (x_tiles + 1) / 2, dy_pairs = (dy_tiles + 1) / 2;
  const matrix_gradient_cut cut = cut_matrix_gradient(x.shape(), dy.shape(), dfilter.shape(), g.stride, g.dilation);
  const index_t bands_of_image = cut.bands_of_image(dy.extent(1)), image_positions = cut.rows_of_image * cut.pitch;
  const index_t tap_step = x_tiles * dy_tiles * tile;
  tensor<float> partial(ctx, {cut.shares, taps, x_tiles, dy_tiles * tile});

  struct band_extent {
    index_t first_image = 0, images = 0, row = 0, rows = 0, positions = 0;
  };
  const auto extent_of = [&](index_t band) {
    band_extent e{.first_image = band / bands_of_image * cut.band_images, .row = band % bands_of_image * cut.band_rows};
    e.images = std::min(cut.band_images, x.extent(0) - e.first_image);
    e.rows = std::min(cut.band_rows, dy.extent(1) - e.row);
    // Behind every image but the last, dy has as many rows of zeros as x has more than dy.
    e.positions = (e.images - 1) * image_positions + e.rows * cut.pitch;
    return e;
  };
  const auto turn_dy = [&](const band_extent& e, bfloat16* copy, bfloat16* pairs) {
    const index_t chunks = matrix_chunks(e.positions);
    const sampled_images<bfloat16> of_dy{.all = dy, .channels = outputs};
    for (index_t n = 0; n < e.images; ++n)
      copy_padded(of_dy, e.first_image + n, e.row, n + 1 < e.images ? cut.rows_of_image : e.rows, 0, cut.pitch,
                  copy + n * image_positions * outputs);
    std::fill(copy + e.positions * outputs, copy + chunks * matrix_depth * outputs, bfloat16(0));
    for (index_t k = 0; k < dy_tiles; ++k)
      unit.to_pairs(bits(copy + k * lanes), outputs, static_cast<int>(outputs - k * lanes), chunks,
                    bits(pairs + k * cut.dy_step));
  };
  // The rows and columns of a phase of x that any of its taps reads.
  const auto turn_x = [&](const gradient_phase& phase, const band_extent& e, bfloat16* copy, bfloat16* rows) {
    const sampled_images<bfloat16> of_x{.all = x,
                                        .channels = inputs,
                                        .step = g.stride,
                                        .first_row = phase.first_row,
                                        .first_column = phase.first_column};
    const index_t rows_of_image = e.rows + cut.rows_of_image - cut.band_rows;
    for (index_t n = 0; n < e.images; ++n)
      copy_padded(of_x, e.first_image + n, e.row + phase.row_offset, rows_of_image, phase.column_offset, cut.pitch,
                  copy + n * image_positions * inputs, x_parts);
    const index_t copied = ((e.images - 1) * cut.rows_of_image + rows_of_image) * cut.pitch;
    const index_t chunks = matrix_chunks(copied + (phase.tap_columns - 1) * phase.reach + 1 + matrix_depth);
    std::fill(copy + copied * inputs, copy + chunks * matrix_depth * inputs, bfloat16(0));
    for (index_t c = 0; c < x_tiles; ++c)
      unit.to_rows(bits(copy + c * lanes), inputs, static_cast<int>(inputs - c * lanes), chunks,
                   bits(rows + c * lanes * cut.x_step), cut.x_step);
  };
  const auto multiply = [&](const gradient_phase& phase, const band_extent& e, const bfloat16* rows, const bfloat16* pairs,
                            index_t pair_of_x, index_t pair_of_dy, bool fresh, float* sums) {
    const index_t c = 2 * pair_of_x, k = 2 * pair_of_dy;
    unit.accumulate_outer({.x = bits(rows + c * lanes * cut.x_step),
                           .x_step = cut.x_step,
                           .dy = bits(pairs + k * cut.dy_step),
                           .dy_step = cut.dy_step,
                           .x_blocks = static_cast<int>(std::min<index_t>(2, x_tiles - c)),
                           .dy_blocks = static_cast<int>(std::min<index_t>(2, dy_tiles - k)),
                           .chunks = matrix_chunks(e.positions),
                           .tap_rows = static_cast<int>(phase.tap_rows),
                           .tap_columns = static_cast<int>(phase.tap_columns),
                           .x_tap_row_step = phase.reach * cut.pitch,
                           .x_tap_column_step = phase.reach,
                           .fresh = fresh,
                           .sums = sums + (phase.tap_row * tap_columns + phase.tap_column) * tap_step +
                                   (c * dy_tiles + k) * tile,
                           .x_tile_step = dy_tiles * tile,
                           .sums_tap_row_step = g.stride * tap_columns * tap_step,
                           .sums_tap_column_step = g.stride * tap_step});
  };
  const shape row_extents{x_tiles * lanes, cut.x_step}, pair_extents{dy_tiles, cut.dy_step};

  if (cut.own_bands()) {
    parallel_for(ctx, cut.shares, [&](index_t share) {
      tensor<bfloat16> rows(ctx, row_extents), pairs(ctx, pair_extents), copy(ctx, {cut.copied});
      const index_t first = cut.bands * share / cut.shares;
      for (index_t band = first; band < cut.bands * (share + 1) / cut.shares; ++band) {
        const band_extent e = extent_of(band);
        turn_dy(e, copy.data(), pairs.data());
        for_each_gradient_phase(dfilter.shape(), g, [&](const gradient_phase& phase) {
          turn_x(phase, e, copy.data(), rows.data());
          for (index_t k = 0; k < dy_pairs; ++k)
            for (index_t c = 0; c < x_pairs; ++c)
              multiply(phase, e, rows.data(), pairs.data(), c, k, band == first, partial.slice(share).data());
        });
      }
    });
  } else {
    tensor<bfloat16> rows(ctx, {cut.chunk, row_extents.count()}), pairs(ctx, {cut.chunk, pair_extents.count()});
    for (index_t first = 0; first < cut.bands; first += cut.chunk) {
      const index_t bands = std::min(cut.chunk, cut.bands - first);
      bool first_phase = true;
      for_each_gradient_phase(dfilter.shape(), g, [&](const gradient_phase& phase) {
        parallel_for(ctx, first_phase ? 2 * bands : bands, [&](index_t task) {
          tensor<bfloat16> copy(ctx, {cut.copied});
          const index_t band = task % bands;
          if (task < bands)
            turn_x(phase, extent_of(first + band), copy.data(), rows.slice(band).data());
          else
            turn_dy(extent_of(first + band), copy.data(), pairs.slice(band).data());
        });
        first_phase = false;
        parallel_for(ctx, x_pairs * dy_pairs, [&](index_t task) {
          for (index_t band = 0; band < bands; ++band)
            multiply(phase, extent_of(first + band), rows.slice(band).data(), pairs.slice(band).data(), task % x_pairs,
                     task / x_pairs, first + band == 0, partial.data());
        });
      });
    }
  }
  add_tiles(ctx, partial, dfilter);
}

}  // namespace aixcell::detail
