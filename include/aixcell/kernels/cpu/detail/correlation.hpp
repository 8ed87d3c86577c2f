#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/cpu/detail/instruction_sets.hpp>

namespace aixcell::detail {

/// Where results go: pixel (i, j) of image n starts at data + n * image_step + i * row_step + j * pixel_step.
struct strided_images {
  float* data;
  index height, width;
  index pixel_step, row_step, image_step;
};

/// A convolution without flips: output (i, j) sees input rows i * stride + row_offset + 0..tap_rows-1, likewise columns;
/// outside the image is zero. Forward convolution is one of these, its data gradient stride * stride of them.
struct correlation {
  view<const float, cpu> x;  // [N,H,W,C]
  int tap_rows, tap_columns, stride;
  index row_offset, column_offset;
  index outputs;
  const float* bias;  // [outputs] or null
  strided_images out;
};

/// Output channels in blocks of two registers, the last one of one or two.
struct channel_blocks {
  index channels;
  int lanes;

  index count() const { return (channels + 2 * lanes - 1) / (2 * lanes); }
  index first(index b) const { return b * 2 * lanes; }
  int valid(index b) const { return static_cast<int>(std::min<index>(2 * lanes, channels - first(b))); }
  int width(index b) const { return valid(b) > lanes ? 2 * lanes : lanes; }
  /// Block b of an array of `depth` values a channel starts at first(b) * depth.
  index padded() const { return first(count() - 1) + width(count() - 1); }
};

/// Input that lies in the second-level cache beside the filter block.
inline constexpr index band_bytes = 256 * 1024;

/// Rows first..first+rows of an image, with zeros where they or their columns lie outside; [rows, columns, C].
inline void copy_padded(view<const float, cpu> image, index first_row, index rows, index first_column, index columns,
                        float* to) {
  const index height = image.extent(0), width = image.extent(1), channels = image.extent(2);
  const index left = std::clamp<index>(-first_column, 0, columns);
  const index inside = std::clamp<index>(width - std::max<index>(first_column, 0), 0, columns - left);
  for (index r = 0; r < rows; ++r, to += columns * channels) {
    const index h = first_row + r;
    if (h < 0 || h >= height || inside == 0) {
      std::fill_n(to, columns * channels, 0.0f);
      continue;
    }
    std::fill_n(to, left * channels, 0.0f);
    std::memcpy(to + left * channels, image.data() + (h * width + first_column + left) * channels,
                static_cast<std::size_t>(inside * channels) * sizeof(float));
    std::fill(to + (left + inside) * channels, to + columns * channels, 0.0f);
  }
}

/// `filter(output, tap row, tap column, input)` gives the weights, which are packed block by block in the order in
/// which the tiles read them. Work is cut into bands of output rows, whose padded input fits the second-level cache;
/// large filters are cut into blocks of output channels too, so that each block is read once per band of one image.
template <class Filter>
void correlate_images(context<cpu>& ctx, const correlation& c, Filter&& filter) {
  const instruction_set& cpu_set = best_instruction_set();
  const index images = c.x.extent(0), channels = c.x.extent(3);
  const index window = c.tap_columns * channels, depth = c.tap_rows * window;
  if (c.outputs == 0 || images * c.out.height * c.out.width == 0) return;
  const channel_blocks blocks{c.outputs, cpu_set.lanes};

  tensor<float> packed(ctx, {blocks.padded(), std::max<index>(depth, 1)});
  tensor<float> bias(ctx, {blocks.padded()});
  parallel_for(ctx, blocks.count(), [&](index b) {
    const index first = blocks.first(b);
    const int width = blocks.width(b), valid = blocks.valid(b);
    for (int k = 0; k < width; ++k) bias[first + k] = c.bias && k < valid ? c.bias[first + k] : 0.0f;
    float* to = packed.data() + first * depth;
    for (index r = 0; r < c.tap_rows; ++r)
      for (index s = 0; s < c.tap_columns; ++s)
        for (index i = 0; i < channels; ++i, to += width)
          for (int k = 0; k < width; ++k) to[k] = k < valid ? filter(first + k, r, s, i) : 0.0f;
  });

  const index columns = (c.out.width - 1) * c.stride + std::max(c.tap_columns, 1);
  const index row_bytes = columns * channels * c.stride * static_cast<index>(sizeof(float));
  const index share = std::max<index>(1, images * c.out.height / 16);  // some 16 tasks keep every thread busy
  const index band_rows = std::clamp<index>(std::min(share, band_bytes / row_bytes), 1, c.out.height);
  const index bands = (c.out.height + band_rows - 1) / band_rows;
  const bool by_block = blocks.padded() * depth * static_cast<index>(sizeof(float)) > 2 * band_bytes;
  const index groups = by_block ? blocks.count() : 1;
  const bool padded = c.row_offset < 0 || c.column_offset < 0 || c.column_offset + columns > c.x.extent(2) ||
                      (c.out.height - 1) * c.stride + c.row_offset + c.tap_rows > c.x.extent(1);

  parallel_for(ctx, groups * images * bands, [&](index task) {
    const index group = task / (images * bands), n = task / bands % images, band = task % bands;
    const index row = band * band_rows, rows = std::min(band_rows, c.out.height - row);
    const index in_rows = (rows - 1) * c.stride + std::max(c.tap_rows, 1);
    tensor<float> halo;
    const float* x = nullptr;
    index row_step = columns * channels;
    if (padded) {
      halo = tensor<float>(ctx, {in_rows, columns, channels});
      copy_padded(c.x.slice(n), row * c.stride + c.row_offset, in_rows, c.column_offset, columns, halo.data());
      x = halo.data();
    } else {
      row_step = c.x.extent(2) * channels;
      x = c.x.slice(n).data() + (row * c.stride + c.row_offset) * row_step + c.column_offset * channels;
    }
    for (index b = by_block ? group : 0; b < (by_block ? group + 1 : blocks.count()); ++b)
      for (index i = 0; i < rows; ++i)
        cpu_set.correlate({.x = x + i * c.stride * row_step,
                           .x_row_step = row_step,
                           .x_pixel_step = c.stride * channels,
                           .tap_rows = c.tap_rows,
                           .window = window,
                           .filter = packed.data() + blocks.first(b) * depth,
                           .bias = bias.data() + blocks.first(b),
                           .block = blocks.width(b),
                           .channels = blocks.valid(b),
                           .y = c.out.data + n * c.out.image_step + (row + i) * c.out.row_step + blocks.first(b),
                           .y_pixel_step = c.out.pixel_step,
                           .pixels = c.out.width});
  });
}

/// Outputs whose tap `tap` reads inside an input of `extent`: o * stride + tap - padding in [0, extent).
struct output_range {
  index begin, end;
};
constexpr output_range valid_outputs(index tap, conv2d_geometry g, index extent, index outputs) {
  const index shift = g.padding - tap;
  const index begin = shift > 0 ? (shift + g.stride - 1) / g.stride : 0;
  const index last = extent - 1 + shift;
  const index end = last < 0 ? 0 : std::min(outputs, last / g.stride + 1);
  return {std::min(begin, end), end};
}

/// dfilter [K,R,S,C] += sum over pixels of dy [.., K] times x [.., C], tap by tap. Each task owns a block of output
/// channels and a share of the rows, and adds into a partial gradient of its own; the shares depend on shapes only
/// and are summed in order, so the bits do not depend on the number of threads.
inline void accumulate_filter_gradient(context<cpu>& ctx, view<const float, cpu> x, view<const float, cpu> dy,
                                       conv2d_geometry g, view<float, cpu> dfilter) {
  const instruction_set& cpu_set = best_instruction_set();
  const index images = x.extent(0), height = x.extent(1), width = x.extent(2), channels = x.extent(3);
  const index out_height = dy.extent(1), out_width = dy.extent(2), outputs = dy.extent(3);
  const index tap_rows = dfilter.extent(1), tap_columns = dfilter.extent(2), depth = tap_rows * tap_columns * channels;
  if (dfilter.size() == 0 || dy.size() == 0) return;
  const channel_blocks blocks{outputs, cpu_set.lanes};

  const index row_bytes = (width * channels * g.stride + out_width * 2 * cpu_set.lanes) * static_cast<index>(sizeof(float));
  const index band_rows = std::clamp<index>(2 * band_bytes / row_bytes, 1, out_height);
  const index bands = images * ((out_height + band_rows - 1) / band_rows), bands_per_image = bands / images;
  const index shares = std::clamp<index>(16 / blocks.count(), 1, bands);
  auto partial = tensor<float>::zeros(ctx, {shares, blocks.padded(), depth});

  parallel_for(ctx, shares * blocks.count(), [&](index task) {
    const index share = task / blocks.count(), b = task % blocks.count();
    const int block = blocks.width(b), valid = blocks.valid(b);
    float* gradient = partial.slice(share).data() + blocks.first(b) * depth;
    tensor<float> whole_blocks;  // dy of a block that is not full, padded to whole registers
    if (valid < block) whole_blocks = tensor<float>::zeros(ctx, {band_rows, out_width, block});
    for (index band = bands * share / shares; band < bands * (share + 1) / shares; ++band) {
      const index n = band / bands_per_image, first = band % bands_per_image * band_rows;
      const index rows = std::min(band_rows, out_height - first);
      const float* g_rows = dy.slice(n).data() + first * out_width * outputs + blocks.first(b);
      index g_pixel = outputs;
      if (valid < block) {
        for (index p = 0; p < rows * out_width; ++p)
          std::copy_n(g_rows + p * outputs, valid, whole_blocks.data() + p * block);
        g_rows = whole_blocks.data();
        g_pixel = block;
      }
      for (index r = 0; r < tap_rows; ++r) {
        const output_range in_rows = valid_outputs(r, g, height, out_height);
        const index from = std::max(first, in_rows.begin), to = std::min(first + rows, in_rows.end);
        if (from >= to) continue;
        for (index s = 0; s < tap_columns; ++s) {
          const output_range pixels = valid_outputs(s, g, width, out_width);
          if (pixels.begin >= pixels.end) continue;
          const index h = from * g.stride + r - g.padding, w = pixels.begin * g.stride + s - g.padding;
          cpu_set.accumulate_outer({.x = x.slice(n).data() + (h * width + w) * channels,
                                    .x_row_step = g.stride * width * channels,
                                    .x_pixel_step = g.stride * channels,
                                    .dy = g_rows + ((from - first) * out_width + pixels.begin) * g_pixel,
                                    .dy_row_step = out_width * g_pixel,
                                    .dy_pixel_step = g_pixel,
                                    .rows = to - from,
                                    .pixels = pixels.end - pixels.begin,
                                    .channels = channels,
                                    .block = block,
                                    .gradient = gradient + (r * tap_columns + s) * channels * block});
        }
      }
    }
  });

  parallel_for(ctx, outputs, [&](index k) {
    const index b = k / (2 * cpu_set.lanes);
    float* to = dfilter.slice(k).data();
    for (index share = 0; share < shares; ++share) {
      const float* from = partial.slice(share).data() + blocks.first(b) * depth + (k - blocks.first(b));
      for (index i = 0; i < depth; ++i) to[i] += from[i * blocks.width(b)];
    }
  });
}

}  // namespace aixcell::detail
