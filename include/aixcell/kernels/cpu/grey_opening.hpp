#pragma once
#include <algorithm>
#include <limits>
#include <utility>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/cpu/detail/pixel_loops.hpp>

namespace aixcell {

namespace detail {

/// Best of the last `window` rows of a sequence, three comparisons a value whatever the window (van Herk 1992, Gil &
/// Werman 1993): a window is the end of one block of `window` rows and the beginning of the next.
class row_window {
 public:
  row_window(context<cpu>& ctx, const extreme_loops& loops, float worst, index_t window, index_t count)
      : loops_(loops),
        worst_(worst),
        window_(window),
        count_(count),
        pitch_(cache_friendly_pitch(count)),
        block_(ctx, {window, pitch_}),
        behind_(ctx, {window, pitch_}),
        running_(ctx, {count}) {}

  /// Where the next row of the sequence is to be written.
  float* slot() { return block_.data() + at_ * pitch_; }

  /// Takes what is in the slot. Writes the best of the last rows to `to` if there were `window` of them, else says false.
  bool advance(float* to) {
    if (at_ == 0) running_.fill(worst_);
    const bool complete = at_ + 1 == window_;
    loops_.advance(slot(), running_.data(), complete || !full_ ? nullptr : behind_.data() + (at_ + 1) * pitch_, to,
                   count_);
    const bool valid = full_ || complete;
    if (complete) {
      // From here on a block is needed from its end only.
      for (index_t k = window_ - 1; k-- > 0;)
        loops_.join(block_.data() + k * pitch_, block_.data() + (k + 1) * pitch_, count_);
      std::swap(block_, behind_);
      full_ = true;
    }
    at_ = complete ? 0 : at_ + 1;
    return valid;
  }

  /// A row that changes no extreme.
  bool advance_by_nothing(float* to) {
    std::fill_n(slot(), count_, worst_);
    return advance(to);
  }

 private:
  const extreme_loops& loops_;
  float worst_;
  index_t window_, count_, pitch_, at_ = 0;
  bool full_ = false;
  tensor<float> block_, behind_;  // [window, pitch]; behind_[k] is the best of rows k, k + 1, ... of its block
  tensor<float> running_;
};

/// Rows and columns first, first + 1, ..., last - 1.
struct pixel_span {
  index_t first, last;
  /// The span with `margin` on both sides, as far as there are `extent`.
  pixel_span widened(index_t margin, index_t extent) const {
    return {std::max<index_t>(0, first - margin), std::min(extent, last + margin)};
  }
  index_t size() const { return last - first; }
};

/// A piece of a row between what it must not see.
inline void copy_between(const float* from, index_t count, float value, index_t before, index_t all, float* to) {
  std::fill_n(to, before, value);
  std::copy_n(from, count, to + before);
  std::fill(to + before + count, to + all, value);
}

/// The opening of one tile. Rows flow through four windows, which hold what still fits into the cache: least along the
/// row, least along columns, greatest along columns, greatest along the row.
inline void open_tile(context<cpu>& ctx, view<const float, cpu> image, pixel_span rows, pixel_span columns,
                      index_t radius, view<float, cpu> out) {
  const pixel_loops& loops = best_pixel_loops();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const index_t height = image.extent(0), width = image.extent(1), channels = image.extent(2), row = width * channels;
  const index_t window = 2 * radius + 1, margin = radius * channels;
  const pixel_span eroded_rows = rows.widened(radius, height), eroded = columns.widened(radius, width),
                   seen = eroded.widened(radius, width);
  const index_t count = eroded.size() * channels, wanted = columns.size() * channels;
  row_window erosion(ctx, loops.least, infinity, window, count),
      dilation(ctx, loops.greatest, -infinity, window, count);
  constexpr index_t register_more = 16;
  tensor<float> line(ctx, {count + 2 * margin + register_more}), dilated(ctx, {count});
  index_t y = rows.first;
  const auto emit = [&] {
    const index_t left = (eroded.first - columns.first) * channels + margin;
    copy_between(dilated.data(), count, -infinity, left, wanted + 2 * margin + register_more, line.data());
    loops.greatest.slide(line.data(), wanted, channels, window, out.data() + y++ * row + columns.first * channels);
  };
  for (index_t i = rows.first - radius; i < eroded_rows.first; ++i)
    if (dilation.advance_by_nothing(dilated.data())) emit();
  for (index_t i = eroded_rows.first - radius; i < eroded_rows.last + radius; ++i) {
    bool valid = false;
    if (i >= 0 && i < height) {
      const index_t left = (seen.first - eroded.first) * channels + margin;
      copy_between(image.data() + i * row + seen.first * channels, seen.size() * channels, infinity, left,
                   count + 2 * margin + register_more, line.data());
      loops.least.slide(line.data(), count, channels, window, erosion.slot());
      valid = erosion.advance(dilation.slot());
    } else {
      valid = erosion.advance_by_nothing(dilation.slot());
    }
    if (valid && dilation.advance(dilated.data())) emit();
  }
  for (index_t i = eroded_rows.last; i < rows.last + radius; ++i)
    if (dilation.advance_by_nothing(dilated.data())) emit();
}

}  // namespace detail

/// Grey opening of each channel of an image [H,W,C] by a square of edge 2 * radius + 1: an erosion, then a dilation. Takes
/// away what is brighter than its surroundings and smaller than the square. O(H W C log(radius)) time; the result is of the
/// context's pool. Same bits on every processor and for any number of threads.
inline tensor<float> grey_opening(context<cpu>& ctx, view<const float, cpu> image, index_t radius) {
  require_rank("grey_opening", 3, "an image [H,W,C]", image.shape());
  tensor<float> out(ctx, image.shape());
  if (radius < 1 || out.empty()) {
    std::copy(image.begin(), image.end(), out.begin());
    return out;
  }
  const index_t height = image.extent(0), width = image.extent(1), channels = image.extent(2);
  // Beyond the image lies nothing: a square that covers it from each pixel is as good as any larger one.
  radius = std::min(radius, std::max(height, width));
  // Four blocks of rows share 1 MiB. A tile sees 2 * radius pixels more on each side, so small ones would not pay.
  constexpr index_t values = (1 << 20) / (4 * 4);
  const index_t fitting = values / ((2 * radius + 1) * channels) - 2 * radius, least = 4 * radius;
  const index_t across = std::max<index_t>(1, width / std::max(std::min(fitting, width), least));
  const index_t down =
      std::clamp<index_t>((ctx.threads() + across - 1) / across, 1, std::max<index_t>(1, height / least));
  parallel_for(ctx, across * down, [&](index_t t) {
    const index_t i = t / across, j = t % across;
    detail::open_tile(ctx, image, {i * height / down, (i + 1) * height / down},
                      {j * width / across, (j + 1) * width / across}, radius, out);
  });
  return out;
}

}  // namespace aixcell
