#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/conv2d.hpp>
#include <aixcell/kernels/cpu/detail/convolution_workspace.hpp>
#include <aixcell/kernels/cpu/detail/instruction_sets.hpp>

namespace aixcell::detail {

/// Where results go: pixel (i, j) of image n starts at data + n * image_step + i * row_step + j * pixel_step.
template <class Real>
struct strided_images {
  Real* data;
  index_t height, width;
  index_t pixel_step, row_step, image_step;
};

/// Every `step`-th pixel in both directions, from (first_row, first_column), and of each the channels
/// first_channel..first_channel+channels-1, of images [N,H,W,C].
template <class Real>
struct sampled_images {
  view<const Real, cpu> all;
  index_t channels;
  index_t first_channel = 0, step = 1, first_row = 0, first_column = 0;

  index_t height() const { return samples(all.extent(1), first_row); }
  index_t width() const { return samples(all.extent(2), first_column); }
  bool contiguous() const { return step == 1 && channels == all.extent(3); }
  const Real* row(index_t n, index_t i) const {
    return all.data() + ((n * all.extent(1) + first_row + i * step) * all.extent(2) + first_column) * all.extent(3) +
           first_channel;
  }
  const Real* at(index_t n, index_t i, index_t j) const { return row(n, i) + j * step * all.extent(3); }

 private:
  index_t samples(index_t extent, index_t first) const {
    return extent <= first ? 0 : (extent - first + step - 1) / step;
  }
};

/// Some of the channels of images that lie in parts: all of those of `images`, each pixel of which stands for 2x2 if they are
/// `doubled`.
template <class Real>
struct image_part {
  sampled_images<Real> images;
  bool doubled = false;

  const Real* row(index_t n, index_t i) const { return images.row(n, doubled ? i / 2 : i); }
  /// Of pixel j from the start of its row.
  index_t offset(index_t j) const { return (doubled ? j / 2 : j) * images.step * images.all.extent(3); }
};

/// Where some of the channels go, from `first_channel` on.
template <class Real>
struct output_part {
  strided_images<Real> images;
  index_t first_channel;
};
/// The one that a channel goes to.
template <class Real>
const output_part<Real>& part_with(std::span<const output_part<Real>> parts, index_t channel) {
  return *std::find_if(parts.rbegin(), parts.rend(), [&](const auto& part) { return part.first_channel <= channel; });
}

/// Neighbouring channels of the input and of the output that belong together.
struct channel_slice {
  index_t first_input, inputs, first_output, outputs;
};

/// What happens to sums before they are stored: y = act(scale * sum + bias + residual). Tiles in float32 find the scale in
/// their filters.
template <class Real>
struct sum_epilogue {
  const float *scale = nullptr, *bias = nullptr;  // [outputs] or null
  const Real* residual = nullptr;                 // as the output, or null
  bool relu = false;
};

/// A convolution without flips: output (i, j) sees input rows i * stride + row_offset + 0..tap_rows-1, likewise columns;
/// outside the image is zero. Forward convolution is one of these, its data gradient stride * stride of them; with
/// dilation, both are dilation * dilation of them, each on the pixels of one phase.
template <class Real>
struct correlation {
  sampled_images<Real> x;
  int tap_rows, tap_columns, stride;
  index_t row_offset, column_offset;
  index_t outputs;
  strided_images<Real> out;
  // Where the channels lie or go if not in x and out, which then are no more than sizes: by Winograd's algorithm and by the
  // matrix unit only.
  std::span<const image_part<Real>> x_parts = {};
  std::span<const output_part<Real>> out_parts = {};
};

/// Rows first..first+rows of image n, with zeros where they or their columns lie outside; [rows, columns, C]. If there are
/// `parts`, x is no more than the size of what lies in them.
template <class Real>
void copy_padded(const sampled_images<Real>& x, index_t n, index_t first_row, index_t rows, index_t first_column,
                 index_t columns, Real* to, std::span<const image_part<Real>> parts = {}) {
  const index_t height = x.height(), width = x.width(), channels = x.channels;
  const index_t left = std::clamp<index_t>(-first_column, 0, columns);
  const index_t inside = std::clamp<index_t>(width - std::max<index_t>(first_column, 0), 0, columns - left);
  for (index_t r = 0; r < rows; ++r, to += columns * channels) {
    const index_t h = first_row + r;
    if (h < 0 || h >= height || inside == 0) {
      std::fill_n(to, columns * channels, Real(0));
      continue;
    }
    std::fill_n(to, left * channels, Real(0));
    const index_t first = first_column + left;
    Real* inner = to + left * channels;
    if (!parts.empty()) {
      for (const image_part<Real>& part : parts) {
        const Real* from = part.row(n, h);
        for (index_t j = 0; j < inside; ++j)
          std::copy_n(from + part.offset(first + j), part.images.channels, inner + j * channels);
        inner += part.images.channels;
      }
    } else if (x.contiguous()) {
      std::memcpy(inner, x.at(n, h, first), static_cast<std::size_t>(inside * channels) * sizeof(Real));
    } else {
      const Real* from = x.at(n, h, first);
      const index_t pixel_step = x.step * x.all.extent(3);
      for (index_t j = 0; j < inside; ++j) std::copy_n(from + j * pixel_step, channels, inner + j * channels);
    }
    std::fill(to + (left + inside) * channels, to + columns * channels, Real(0));
  }
}

/// Neighbouring columns of the output.
struct column_range {
  index_t begin, end;

  /// Columns of the input that their windows span.
  index_t input_columns(const correlation<float>& c) const { return (end - begin - 1) * c.stride + c.tap_columns; }
};

/// The outputs whose windows lie between the left and the right edge of the image, less some to make whole tiles; none
/// where the input is not contiguous.
inline column_range columns_inside(const correlation<float>& c) {
  const auto divide_up = [](index_t a, index_t b) { return a <= 0 ? 0 : (a + b - 1) / b; };
  const index_t begin = std::min(c.out.width, divide_up(-c.column_offset, c.stride));
  const index_t room = c.x.width() - c.column_offset - c.tap_columns;
  const index_t end = room < 0 ? 0 : std::min(c.out.width, room / c.stride + 1);
  constexpr index_t tile = 12;  // pixels, of the largest tile
  if (!c.x.contiguous() || end - begin < tile) return {c.out.width, c.out.width};
  return {begin, begin == 0 && end == c.out.width ? end : begin + (end - begin) / tile * tile};
}

/// Output channels first..first+valid-1, padded to `width`.
struct filter_block {
  index_t first;
  int valid, width;
};

/// Where convolutions that use a filter again and again keep it in the order in which their loops read it, scaled as the
/// epilogue of the first of them said.
using prepared_filter = tensor<std::byte>;

/// `count` values that `fill(values)` writes: those in `kept` if it has them, else they are made there, or in `own` if
/// `kept` is null.
template <class T, class Fill>
const T* prepared_values(context<cpu>& ctx, prepared_filter* kept, prepared_filter& own, index_t count, Fill&& fill) {
  prepared_filter& place = kept ? *kept : own;
  if (place.empty() && count > 0) {
    place = prepared_filter(ctx, {count * static_cast<index_t>(sizeof(T))});
    fill(reinterpret_cast<T*>(place.data()));
  }
  return reinterpret_cast<const T*>(place.data());
}

/// Weights in the order in which tiles read them.
struct packed_weights {
  const float* values;
  bool for_winograd;
};

/// The filter of a correlation: `pack(filter_block, tap row, to)` writes the weights of a tap row [window, width], zeros
/// beyond the valid ones.
template <class Pack>
packed_weights packed_filter(context<cpu>& ctx, const correlation<float>& c, prepared_filter* kept,
                             prepared_filter& own, Pack&& pack) {
  if (c.outputs == 0) return {};
  const channel_blocks blocks{c.outputs, processor().lanes()};
  const index_t window = c.tap_columns * c.x.channels, depth = c.tap_rows * window;
  const auto pack_block = [&](index_t b, float* to) {
    const filter_block block{blocks.first(b), blocks.valid(b), blocks.width(b)};
    for (index_t r = 0; r < c.tap_rows; ++r) pack(block, r, to + r * window * block.width);
  };
  const bool fits =
      c.x.step == 1 && winograd_fits_filter(c.outputs, c.x.channels, c.tap_rows, c.tap_columns, c.stride, blocks.lanes);
  const bool stays_transformed = fits && winograd_filter_stays(c.outputs, c.x.channels);
  const index_t tiles =
      fits ? cut_winograd(c.x.all.extent(0), c.out.height, c.out.width, c.x.channels, blocks).tiles : 0;
  if (!stays_transformed && tiles >= 2 * winograd_least_tiles)
    kept = nullptr;  // against a filter that is packed already
  if (kept ? stays_transformed : tiles >= winograd_least_tiles) {
    const index_t transformed = winograd_points * c.x.channels;
    return {prepared_values<float>(ctx, kept, own, blocks.padded() * transformed,
                                   [&](float* packed) {
                                     parallel_for(ctx, blocks.count(), [&](index_t b) {
                                       tensor<float> taps(ctx, {depth, blocks.width(b)});
                                       pack_block(b, taps.data());
                                       best_instruction_set().winograd_filter(taps.data(),
                                                                              c.x.channels * blocks.width(b),
                                                                              packed + blocks.first(b) * transformed);
                                     });
                                   }),
            true};
  }
  return {prepared_values<float>(ctx, kept, own, blocks.padded() * std::max<index_t>(depth, 1),
                                 [&](float* packed) {
                                   parallel_for(ctx, blocks.count(),
                                                [&](index_t b) { pack_block(b, packed + blocks.first(b) * depth); });
                                 }),
          false};
}

/// The bias is padded as the blocks are, `packed` as packed_filter makes it. Work is cut into bands of output rows, whose padded
/// input fits the second-level cache; large filters are cut into blocks of output channels too, so that each block is read
/// once per band of one image.
inline void correlate_directly(context<cpu>& ctx, const correlation<float>& c, const sum_epilogue<float>& e,
                               const float* packed) {
  const instruction_set& cpu_set = best_instruction_set();
  const index_t images = c.x.all.extent(0), channels = c.x.channels;
  const index_t window = c.tap_columns * channels, depth = c.tap_rows * window;
  const channel_blocks blocks{c.outputs, processor().lanes()};
  const bool by_block = blocks.padded() * depth * static_cast<index_t>(sizeof(float)) > 2 * band_bytes;
  const index_t groups = by_block ? blocks.count() : 1;
  const index_t row_bytes = c.out.width * channels * c.stride * static_cast<index_t>(sizeof(float));
  const index_t share = std::max<index_t>(1, images * c.out.height * groups / 16);  // 16 tasks keep every thread busy
  const index_t band_rows = std::clamp<index_t>(std::min(share, band_bytes / row_bytes), 1, c.out.height);
  const index_t bands = (c.out.height + band_rows - 1) / band_rows;
  // Most outputs read x where it lies; those whose window reaches beyond the left or right edge read a padded copy.
  const column_range inside = columns_inside(c);

  parallel_for(ctx, groups * images * bands, [&](index_t task) {
    const index_t group = task / (images * bands), n = task / bands % images, band = task % bands;
    const index_t row = band * band_rows, rows = std::min(band_rows, c.out.height - row);
    const index_t in_rows = (rows - 1) * c.stride + std::max(c.tap_rows, 1);
    const std::array<column_range, 2> edges{{{0, inside.begin}, {inside.end, c.out.width}}};
    std::array<tensor<float>, 2> strips;
    for (std::size_t side = 0; side < 2; ++side) {
      if (edges[side].begin >= edges[side].end || c.tap_rows == 0) continue;
      const index_t first = edges[side].begin * c.stride + c.column_offset, wide = edges[side].input_columns(c);
      strips[side] = tensor<float>(ctx, {in_rows, wide, channels});
      copy_padded(c.x, n, row * c.stride + c.row_offset, in_rows, first, wide, strips[side].data());
    }
    for (index_t b = by_block ? group : 0; b < (by_block ? group + 1 : blocks.count()); ++b) {
      const index_t block = blocks.width(b);
      float* y = c.out.data + n * c.out.image_step + row * c.out.row_step + blocks.first(b);
      correlation_row run{};
      run.window = window;
      run.bias = e.bias + blocks.first(b);
      run.relu = e.relu;
      run.block = static_cast<int>(block);
      run.channels = blocks.valid(b);
      run.x_row_step = c.x.width() * channels;
      run.x_pixel_step = c.stride * channels;
      run.y_pixel_step = c.out.pixel_step;
      run.pixels = inside.end - inside.begin;
      // Later blocks of channels of this task, and further taps, find what the first has read.
      run.far = c.tap_rows == 1 && c.tap_columns == 1 && b == 0;
      const auto correlate_to = [&](float* to) {
        run.y = to;
        run.residual = e.residual ? e.residual + (to - c.out.data) : nullptr;
        cpu_set.correlate(run);
      };
      for (index_t i = 0; i < rows && run.pixels > 0; ++i) {
        // Tap rows that lie above or below the image are left out.
        const index_t above = (row + i) * c.stride + c.row_offset;
        const index_t from = std::clamp<index_t>(-above, 0, c.tap_rows);
        const index_t to = std::clamp<index_t>(c.x.height() - above, from, c.tap_rows);
        run.tap_rows = static_cast<int>(to - from);
        run.x = to > from ? c.x.at(n, above + from, inside.begin * c.stride + c.column_offset) : nullptr;
        run.filter = packed + blocks.first(b) * depth + from * window * block;
        correlate_to(y + i * c.out.row_step + inside.begin * c.out.pixel_step);
      }
      run.tap_rows = c.tap_rows;
      run.filter = packed + blocks.first(b) * depth;
      run.far = false;
      for (std::size_t side = 0; side < 2; ++side) {
        const index_t width = edges[side].end - edges[side].begin;
        if (width <= 0) continue;
        // Along the rows, or down the columns where these are the longer runs, as tiles need them.
        const index_t pixel_step = c.stride * channels, row_step = edges[side].input_columns(c) * channels;
        const bool down = rows > width;
        run.x_row_step = row_step;
        run.x_pixel_step = down ? c.stride * row_step : pixel_step;
        run.y_pixel_step = down ? c.out.row_step : c.out.pixel_step;
        run.pixels = down ? rows : width;
        for (index_t k = 0; k < (down ? width : rows); ++k) {
          run.x = strips[side].data() + k * (down ? pixel_step : c.stride * row_step);
          correlate_to(y + edges[side].begin * c.out.pixel_step + k * (down ? c.out.pixel_step : c.out.row_step));
        }
      }
    }
  });
}

/// Outputs whose tap `tap` reads inside an input of `extent`: o * stride + tap * dilation - padding in [0, extent).
struct output_range {
  index_t begin, end;
};
constexpr output_range valid_outputs(index_t tap, conv2d_geometry g, index_t extent, index_t outputs) {
  const index_t shift = g.padding - tap * g.dilation;
  const index_t begin = shift > 0 ? (shift + g.stride - 1) / g.stride : 0;
  const index_t last = extent - 1 + shift;
  const index_t end = last < 0 ? 0 : std::min(outputs, last / g.stride + 1);
  return {std::min(begin, end), end};
}

/// dfilter [K,R,S,C] += sum over pixels of the K outputs of a slice of dy times its C inputs in x, tap by tap. Each task owns a block of output
/// channels and a share of the rows, and adds into a partial gradient of its own; the shares depend on shapes only
/// and are summed in order, so the bits do not depend on the number of threads.
inline void accumulate_filter_gradient(context<cpu>& ctx, view<const float, cpu> x, view<const float, cpu> dy,
                                       conv2d_geometry g, const channel_slice& slice, view<float, cpu> dfilter) {
  const instruction_set& cpu_set = best_instruction_set();
  const index_t images = x.extent(0), height = x.extent(1), width = x.extent(2), channels = slice.inputs;
  const index_t out_height = dy.extent(1), out_width = dy.extent(2), outputs = slice.outputs;
  const index_t x_step = x.extent(3), dy_step = dy.extent(3);
  const index_t tap_rows = dfilter.extent(1), tap_columns = dfilter.extent(2),
                depth = tap_rows * tap_columns * channels;
  if (dfilter.size() == 0 || dy.size() == 0) return;
  const channel_blocks blocks{outputs, processor().lanes()};

  const filter_gradient_cut cut =
      cut_filter_gradient(x.shape(), dy.shape(), channels, tap_rows, tap_columns, g.stride, g.dilation, blocks);
  const sampled_images<float> of_slice{.all = x, .channels = channels, .first_channel = slice.first_input};
  const index_t band_rows = cut.band_rows, bands = cut.bands, shares = cut.shares;
  const index_t bands_per_image = bands / images;
  auto partial = tensor<float>::zeros(ctx, {shares, blocks.padded(), depth});

  parallel_for(ctx, shares * blocks.count(), [&](index_t task) {
    const index_t share = task / blocks.count(), b = task % blocks.count();
    const int block = blocks.width(b), valid = blocks.valid(b);
    float* gradient = partial.slice(share).data() + blocks.first(b) * depth;
    tensor<float> whole_blocks;  // dy of a block that is not full, padded to whole registers
    if (valid < block) whole_blocks = tensor<float>::zeros(ctx, {band_rows, out_width, block});
    tensor<float> copied;
    if (cut.by_rows_of_taps) copied = tensor<float>(ctx, {cut.copied_rows, cut.copied_columns, channels});
    for (index_t band = bands * share / shares; band < bands * (share + 1) / shares; ++band) {
      const index_t n = band / bands_per_image, first = band % bands_per_image * band_rows;
      const index_t rows = std::min(band_rows, out_height - first);
      const float* g_rows = dy.slice(n).data() + first * out_width * dy_step + slice.first_output + blocks.first(b);
      index_t g_pixel = dy_step;
      if (valid < block) {
        for (index_t p = 0; p < rows * out_width; ++p)
          std::copy_n(g_rows + p * dy_step, valid, whole_blocks.data() + p * block);
        g_rows = whole_blocks.data();
        g_pixel = block;
      }
      if (cut.by_rows_of_taps) {
        const index_t row_step = cut.copied_columns * channels;
        copy_padded(of_slice, n, first * g.stride - g.padding, (rows - 1) * g.stride + tap_rows, -g.padding,
                    cut.copied_columns, copied.data());
        for (index_t r = 0; r < tap_rows; ++r)
          cpu_set.accumulate_outer({.x = copied.data() + r * row_step,
                                    .x_row_step = g.stride * row_step,
                                    .x_pixel_step = g.stride * channels,
                                    .dy = g_rows,
                                    .dy_row_step = out_width * g_pixel,
                                    .dy_pixel_step = g_pixel,
                                    .rows = rows,
                                    .pixels = out_width,
                                    .channels = tap_columns * channels,
                                    .block = block,
                                    .gradient = gradient + r * tap_columns * channels * block});
        continue;
      }
      for (index_t r = 0; r < tap_rows; ++r) {
        const output_range in_rows = valid_outputs(r, g, height, out_height);
        const index_t from = std::max(first, in_rows.begin), to = std::min(first + rows, in_rows.end);
        if (from >= to) continue;
        for (index_t s = 0; s < tap_columns; ++s) {
          const output_range pixels = valid_outputs(s, g, width, out_width);
          if (pixels.begin >= pixels.end) continue;
          const index_t h = from * g.stride + r * g.dilation - g.padding,
                        w = pixels.begin * g.stride + s * g.dilation - g.padding;
          cpu_set.accumulate_outer({.x = x.slice(n).data() + (h * width + w) * x_step + slice.first_input,
                                    .x_row_step = g.stride * width * x_step,
                                    .x_pixel_step = g.stride * x_step,
                                    .dy = g_rows + ((from - first) * out_width + pixels.begin) * g_pixel,
                                    .dy_row_step = out_width * g_pixel,
                                    .dy_pixel_step = g_pixel,
                                    .rows = to - from,
                                    .pixels = pixels.end - pixels.begin,
                                    .channels = channels,
                                    .block = block,
                                    .gradient = gradient + (r * tap_columns + s) * channels * block,
                                    .far = true});
        }
      }
    }
  });

  parallel_for(ctx, outputs, [&](index_t k) {
    const index_t b = k / (2 * processor().lanes());
    float* to = dfilter.slice(k).data();
    for (index_t share = 0; share < shares; ++share) {
      const float* from = partial.slice(share).data() + blocks.first(b) * depth + (k - blocks.first(b));
      for (index_t i = 0; i < depth; ++i) to[i] += from[i * blocks.width(b)];
    }
  });
}

}  // namespace aixcell::detail
