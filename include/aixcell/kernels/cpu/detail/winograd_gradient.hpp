#pragma once
#include <aixcell/kernels/cpu/detail/winograd.hpp>

namespace aixcell::detail {

/// Whether the gradient of a filter [K,3,3,C] goes by Winograd's algorithm.
inline bool gradient_by_winograd(const shape& dy, const shape& filter, conv2d_geometry g) {
  const channel_blocks blocks{filter[0], processor().lanes()};
  return g.groups == 1 && g.dilation == 1 &&
         winograd_fits_gradient(filter[0], filter[3], filter[1], filter[2], g.stride, blocks.lanes) &&
         cut_winograd_gradient(dy, filter[3], blocks).tiles.worth_it();
}

/// dfilter [K,3,3,C] += the gradient: for each of the 36 points, the products of x and dy there summed over all tiles. `x`
/// holds C channels in all; their images are of `size`.
inline void winograd_filter_gradient(context<cpu>& ctx, std::span<const image_part<float>> x, image_extent size,
                                     view<const float, cpu> dy, conv2d_geometry g, view<float, cpu> dfilter) {
  const instruction_set& cpu_set = best_instruction_set();
  const index_t channels = dfilter.extent(3), outputs = dy.extent(3);
  const channel_blocks blocks{outputs, processor().lanes()};
  const winograd_gradient_cut cut = cut_winograd_gradient(dy.shape(), channels, blocks);
  const image_part<float> of_dy{{.all = dy, .channels = outputs}};
  const auto zeros = tensor<float>::zeros(ctx, {std::max(channels, outputs)});
  // For each share, blocks of outputs: [36, channels, width].
  auto sums = tensor<float>::zeros(ctx, {cut.shares, blocks.padded(), winograd_points * channels});

  const auto transform = [&](index_t begin, index_t end, index_t first, float* x_values, float* dy_values) {
    for (index_t tile = begin; tile < end; ++tile) {
      winograd_place at = place_of(tile, cut.tiles);
      cpu_set.winograd_gradient(square_of<4>(of_dy, {dy.extent(1), dy.extent(2)}, at, zeros.data()).data(), outputs,
                                dy_values + (tile - first) * outputs, cut.dy_step);
      at.row -= g.padding, at.column -= g.padding;
      transform_tile(x, size, at, zeros.data(), x_values + (tile - first) * channels, cut.x_step);
    }
  };
  const auto add_products = [&](index_t point, index_t tiles, const float* x_values, const float* dy_values,
                                float* to) {
    for (index_t b = 0; b < blocks.count(); ++b)
      cpu_set.accumulate_outer(
          {.x = x_values + point * cut.x_step,
           .x_row_step = 0,
           .x_pixel_step = channels,
           .dy = dy_values + point * cut.dy_step + blocks.first(b),
           .dy_row_step = 0,
           .dy_pixel_step = outputs,
           .rows = 1,
           .pixels = tiles,
           .channels = channels,
           .block = blocks.width(b),
           .gradient = to + (blocks.first(b) * winograd_points + point * blocks.width(b)) * channels});
  };
  const auto last_of = [&](index_t chunk) { return std::min(cut.tiles.tiles, (chunk + 1) * cut.chunk); };

  if (cut.tiles.own_chunks) {
    parallel_for(ctx, cut.shares, [&](index_t share) {
      tensor<float> x_values(ctx, {winograd_points, cut.x_step}), dy_values(ctx, {winograd_points, cut.dy_step});
      for (index_t chunk = cut.chunks * share / cut.shares; chunk < cut.chunks * (share + 1) / cut.shares; ++chunk) {
        const index_t first = chunk * cut.chunk, end = last_of(chunk);
        transform(first, end, first, x_values.data(), dy_values.data());
        for (index_t point = 0; point < winograd_points; ++point)
          add_products(point, end - first, x_values.data(), dy_values.data(), sums.slice(share).data());
      }
    });
  } else {
    tensor<float> x_values(ctx, {winograd_points, cut.x_step}), dy_values(ctx, {winograd_points, cut.dy_step});
    for (index_t chunk = 0; chunk < cut.chunks; ++chunk) {
      const index_t first = chunk * cut.chunk, end = last_of(chunk);
      parallel_ranges(ctx, end - first, 8, [&](index_t begin, index_t stop) {
        transform(first + begin, first + stop, first, x_values.data(), dy_values.data());
      });
      parallel_for(ctx, winograd_points, [&](index_t point) {
        add_products(point, end - first, x_values.data(), dy_values.data(), sums.data());
      });
    }
  }

  parallel_for(ctx, blocks.count(), [&](index_t b) {
    const index_t width = blocks.width(b), count = channels * width;
    float* const all = sums.data() + blocks.first(b) * winograd_points * channels;
    for (index_t share = 1; share < cut.shares; ++share) {
      const float* other = all + share * (sums.size() / cut.shares);
#pragma omp simd
      for (index_t i = 0; i < winograd_points * count; ++i) all[i] += other[i];
    }
    tensor<float> taps(ctx, {9, channels, width});
    cpu_set.winograd_taps(all, count, taps.data());
    for (index_t k = 0; k < width; ++k) {
      float* const to = dfilter.slice(blocks.first(b) + k).data();
      for (index_t i = 0; i < 9 * channels; ++i) to[i] += taps[i * width + k];
    }
  });
}

}  // namespace aixcell::detail
