#pragma once
#include <algorithm>
#include <array>

#include <aixcell/kernels/cpu/detail/correlation.hpp>

namespace aixcell::detail {

// Correlations of 3x3 taps by minimal filtering (Winograd 1980; Lavin & Gray 2016): tiles of 4x4 outputs, a quarter of the
// products of the definition. Sums differ from it by rounding alone, some 1e-6 of the sum of magnitudes.

struct image_extent {
  index_t height, width;
};

/// Where a tile, numbered over all images, begins.
struct winograd_place {
  index_t image, row, column;
};
inline winograd_place place_of(index_t tile, const winograd_cut& cut) {
  const index_t row = tile / cut.across;
  return {row / cut.down, row % cut.down * winograd_edge, tile % cut.across * winograd_edge};
}

/// The addresses of Edge x Edge pixels of [.., height, width, ..] from `at` on; for those outside, that of `zeros`.
template <int Edge>
std::array<const float*, Edge * Edge> square_of(const image_part<float>& x, image_extent size, const winograd_place& at,
                                                const float* zeros) {
  std::array<index_t, Edge> offsets{};
  for (index_t s = 0; s < Edge; ++s) offsets[static_cast<std::size_t>(s)] = x.offset(at.column + s);
  const index_t left = std::clamp<index_t>(-at.column, 0, Edge),
                right = std::clamp<index_t>(size.width - at.column, left, Edge);
  std::array<const float*, Edge * Edge> all;
  all.fill(zeros);
  const index_t top = std::clamp<index_t>(-at.row, 0, Edge),
                bottom = std::clamp<index_t>(size.height - at.row, top, Edge);
  for (index_t r = top; r < bottom; ++r) {
    const float* const row = x.row(at.image, at.row + r);
    for (index_t s = left; s < right; ++s)
      all[static_cast<std::size_t>(Edge * r + s)] = row + offsets[static_cast<std::size_t>(s)];
  }
  return all;
}

/// The same for the 4x4 results of a tile; what lies outside goes where nobody wants it.
template <class T>
std::array<T*, 16> results_of(const strided_images<T>& y, const winograd_place& at, index_t first_channel, T* unwanted) {
  T* const corner = y.data + at.image * y.image_step + at.row * y.row_step + at.column * y.pixel_step + first_channel;
  std::array<T*, 16> all;
  all.fill(unwanted);
  const index_t rows = std::min(winograd_edge, y.height - at.row),
                columns = std::min(winograd_edge, y.width - at.column);
  for (index_t r = 0; r < rows; ++r)
    for (index_t s = 0; s < columns; ++s)
      all[static_cast<std::size_t>(winograd_edge * r + s)] = corner + r * y.row_step + s * y.pixel_step;
  return all;
}

/// Of 6x6 pixels of all parts around a tile, the 36 rows at `to`, one every `step` values, a part's channels behind those of
/// the part before.
inline void transform_tile(std::span<const image_part<float>> parts, image_extent size, const winograd_place& at,
                           const float* zeros, float* to, index_t step) {
  for (const image_part<float>& part : parts) {
    best_instruction_set().winograd_input(square_of<6>(part, size, at, zeros).data(), part.images.channels, to, step);
    to += part.images.channels;
  }
}

/// `filter` holds for each block of output channels, padded as `blocks` says, [36, channels, width]; the bias is padded alike.
inline void winograd_images(context<cpu>& ctx, const correlation<float>& c, const sum_epilogue<float>& e,
                            const float* filter) {
  const instruction_set& cpu_set = best_instruction_set();
  const channel_blocks blocks{c.outputs, processor().lanes()};
  const index_t channels = c.x.channels;
  const image_part<float> whole{c.x};
  const std::span parts = c.x_parts.empty() ? std::span(&whole, 1) : c.x_parts;
  const output_part<float> all{c.out, 0};
  const std::span out_parts = c.out_parts.empty() ? std::span(&all, 1) : c.out_parts;
  const strided_images<const float> residual{e.residual,       c.out.height,   c.out.width,
                                             c.out.pixel_step, c.out.row_step, c.out.image_step};
  const winograd_cut cut = cut_winograd(c.x.all.extent(0), c.out.height, c.out.width, channels, blocks);
  const auto zeros = tensor<float>::zeros(ctx, {channels});

  const auto transform = [&](index_t begin, index_t end, index_t first, float* values) {
    for (index_t tile = begin; tile < end; ++tile) {
      winograd_place at = place_of(tile, cut);
      at.row += c.row_offset, at.column += c.column_offset;
      transform_tile(parts, {c.x.height(), c.x.width()}, at, zeros.data(), values + (tile - first) * channels,
                     cut.step);
    }
  };
  // Tiles begin..end-1 of a chunk that starts at `first`, for one block of output channels.
  const auto multiply = [&](index_t begin, index_t end, index_t first, const float* values, index_t b, float* products,
                            float* unwanted) {
    const index_t width = blocks.width(b);
    const output_part<float>& out = part_with(out_parts, blocks.first(b));
    correlation_row run{};
    run.x_pixel_step = channels;
    run.tap_rows = 1;
    run.window = channels;
    run.block = static_cast<int>(width);
    run.channels = static_cast<int>(width);
    run.y_pixel_step = width;
    for (index_t from = begin; from < end; from += cut.part) {
      const index_t to = std::min(end, from + cut.part);
      run.pixels = to - from;
      for (index_t point = 0; point < winograd_points; ++point) {
        run.x = values + point * cut.step + (from - first) * channels;
        run.filter = filter + (blocks.first(b) * winograd_points + point * width) * channels;
        run.y = products + point * cut.products_step;
        cpu_set.correlate(run);
      }
      for (index_t tile = from; tile < to; ++tile) {
        const winograd_place at = place_of(tile, cut);
        const index_t first_channel = blocks.first(b) - out.first_channel;
        const auto pixels = results_of(out.images, at, first_channel, unwanted);
        std::array<const float*, 16> beside;
        if (e.residual) beside = results_of<const float>(residual, at, first_channel, unwanted);
        cpu_set.winograd_output({.products = products + (tile - from) * width,
                                 .step = cut.products_step,
                                 .bias = e.bias + blocks.first(b),
                                 .channels = width,
                                 .pixels = pixels.data(),
                                 .residual = e.residual ? beside.data() : nullptr,
                                 .relu = e.relu});
      }
    }
  };
  const shape value_rows{winograd_points, cut.step}, product_rows{winograd_points, cut.products_step};
  const index_t widest = 2 * blocks.lanes;

  if (cut.own_chunks) {
    parallel_for(ctx, cut.chunks, [&](index_t chunk) {
      tensor<float> values(ctx, value_rows), products(ctx, product_rows), unwanted(ctx, {widest});
      const index_t first = chunk * cut.chunk, end = std::min(cut.tiles, first + cut.chunk);
      transform(first, end, first, values.data());
      for (index_t b = 0; b < blocks.count(); ++b)
        multiply(first, end, first, values.data(), b, products.data(), unwanted.data());
    });
    return;
  }
  tensor<float> values(ctx, value_rows);
  for (index_t first = 0; first < cut.tiles; first += cut.chunk) {
    const index_t end = std::min(cut.tiles, first + cut.chunk);
    parallel_ranges(ctx, end - first, 8,
                    [&](index_t begin, index_t stop) { transform(first + begin, first + stop, first, values.data()); });
    parallel_for(ctx, blocks.count() * cut.parts, [&](index_t task) {
      tensor<float> products(ctx, product_rows), unwanted(ctx, {widest});
      const index_t part = task % cut.parts, begin = first + (end - first) * part / cut.parts,
                    stop = first + (end - first) * (part + 1) / cut.parts;
      multiply(begin, stop, first, values.data(), task / cut.parts, products.data(), unwanted.data());
    });
  }
}

/// `packed` as packed_filter makes it.
inline void correlate_images(context<cpu>& ctx, const correlation<float>& c, sum_epilogue<float> e,
                             const packed_weights& packed) {
  if (c.outputs == 0 || c.x.all.extent(0) * c.out.height * c.out.width == 0) return;
  const channel_blocks blocks{c.outputs, processor().lanes()};
  tensor<float> bias(ctx, {blocks.padded()});
  for (index_t k = 0; k < blocks.padded(); ++k) bias[k] = e.bias && k < c.outputs ? e.bias[k] : 0.0f;
  e.bias = bias.data();
  if (packed.for_winograd)
    winograd_images(ctx, c, e, packed.values);
  else
    correlate_directly(ctx, c, e, packed.values);
}

}  // namespace aixcell::detail
