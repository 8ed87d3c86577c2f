#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/cpu/detail/pixel_loops.hpp>
#include <aixcell/kernels/cpu/order_statistics.hpp>

namespace aixcell {

struct local_equalisation {
  static constexpr int bins = 256;  ///< over the range of a channel

  int tiles = 8;            ///< in each direction, fewer in images of few pixels
  float clip_limit = 3.0f;  ///< highest bin in units of a flat histogram's
};

namespace detail {

/// Equalises one channel after the other.
class local_equaliser {
 public:
  explicit local_equaliser(const local_equalisation& options)
      : tiles_(options.tiles), clip_limit_(static_cast<double>(options.clip_limit)) {}

  void equalise(context<cpu>& ctx, view<const float, cpu> pixels, index_t c, view<float, cpu> out) const {
    const index_t height = pixels.extent(0), width = pixels.extent(1), channels = pixels.extent(2);
    const pixel_loops& loops = best_pixel_loops();
    float low = pixels(0, 0, c), high = low;
    for_each_run(pixels.data() + c, height * width, channels,
                 [&](const float* run, index_t length) { loops.widen_range(run, length, &low, &high); });
    if (!(high > low)) {
      for (index_t p = c; p < out.size(); p += channels) out[p] = 0;
      return;
    }
    // In float64: the range of float32 values need not be a float32.
    const double from = static_cast<double>(low), factor = bins / (static_cast<double>(high) - from);
    const index_t rows = std::clamp<index_t>(tiles_, 1, std::max<index_t>(1, height / 4)),
                  columns = std::clamp<index_t>(tiles_, 1, std::max<index_t>(1, width / 4));
    tensor<std::uint8_t> codes(ctx, {height, width});  // the bins of the pixels
    tensor<float> curves(ctx, {rows, columns, bins});
    parallel_for(ctx, rows, [&](index_t y) {
      const index_t top = y * height / rows, bottom = (y + 1) * height / rows;
      std::vector<std::uint32_t> histograms(static_cast<std::size_t>(columns * counters * bins), 0);
      for (index_t i = top; i < bottom; ++i) {
        std::uint8_t* const code = codes.data() + i * width;
        for_each_run(&pixels(i, 0, c), width, channels, [&, to = code](const float* run, index_t length) mutable {
          loops.encode(run, length, from, factor, to);
          to += length;
        });
        for (index_t x = 0; x < columns; ++x)
          count(code + x * width / columns, code + (x + 1) * width / columns, histograms.data() + x * counters * bins);
      }
      for (index_t x = 0; x < columns; ++x) {
        const index_t area = (bottom - top) * ((x + 1) * width / columns - x * width / columns);
        write_curve(histograms.data() + x * counters * bins, static_cast<double>(area), &curves(y, x, 0));
      }
    });
    const line_of_tiles across(width, columns);
    parallel_ranges(ctx, height, 16, [&](index_t begin, index_t end) {
      std::vector<float> blended(static_cast<std::size_t>(columns * bins));  // the curves of this row of pixels
      for (index_t i = begin; i < end; ++i) {
        const tile_pair y = neighbours(i, height, rows);
        const std::array<const float*, 2> pair{&curves(y.first, 0, 0), &curves(y.second, 0, 0)};
        const std::array<float, 2> shares{1 - y.share, y.share};
        float* const to = blended.data();
        loops.weighted_sums({pair.data(), shares.data(), 2, &to, 1, columns * bins});
        across.look_up(codes.data() + i * width, blended.data(), &out(i, 0, c), channels);
      }
    });
  }

 private:
  static constexpr int bins = local_equalisation::bins;
  static constexpr index_t counters = 4;  // in turn: pixels alike would wait for one and the same

  static void count(const std::uint8_t* code, const std::uint8_t* end, std::uint32_t* histograms) {
    for (; code + counters <= end; code += counters)
      for (index_t k = 0; k < counters; ++k) ++histograms[k * bins + code[k]];
    for (; code < end; ++code) ++histograms[*code];
  }

  /// The cumulative share of each bin, of a tile of so many pixels.
  void write_curve(const std::uint32_t* histograms, double area, float* curve) const {
    std::array<double, bins> height{};
    const double limit = std::max(1.0, clip_limit_) * area / bins;
    double excess = 0;
    for (std::size_t b = 0; b < bins; ++b) {
      std::uint32_t all = 0;
      for (std::size_t k = 0; k < counters; ++k) all += histograms[k * bins + b];
      excess += std::max(0.0, all - limit);
      height[b] = std::min<double>(all, limit);
    }
    double sum = 0;
    for (std::size_t b = 0; b < bins; ++b) {
      sum += height[b] + excess / bins;
      curve[b] = static_cast<float>(std::min(1.0, sum / area));
    }
  }

  struct tile_pair {
    index_t first, second;
    float share;  ///< of the second
  };
  static tile_pair neighbours(index_t i, index_t extent, index_t count) {
    const float at = (static_cast<float>(i) + 0.5f) / static_cast<float>(extent) * static_cast<float>(count) - 0.5f;
    const float floor = std::floor(at);
    const auto first = std::clamp<index_t>(static_cast<index_t>(floor), 0, count - 1),
               second = std::clamp<index_t>(static_cast<index_t>(floor) + 1, 0, count - 1);
    return {first, second, first == second ? 0 : at - floor};
  }

  /// The tiles along a row of pixels: runs of pixels between the same two.
  class line_of_tiles {
   public:
    line_of_tiles(index_t width, index_t columns) : shares_(static_cast<std::size_t>(width)) {
      for (index_t j = 0; j < width; ++j) {
        const tile_pair x = neighbours(j, width, columns);
        shares_[static_cast<std::size_t>(j)] = x.share;
        if (runs_.empty() || runs_.back().first != x.first || runs_.back().second != x.second)
          runs_.push_back({j, x.first, x.second});
      }
      runs_.push_back({width, 0, 0});
    }

    /// One output every `step`, from the curves [columns, bins] of a row.
    void look_up(const std::uint8_t* code, const float* curves, float* to, index_t step) const {
      for (std::size_t r = 0; r + 1 < runs_.size(); ++r) {
        const float *left = curves + runs_[r].first * bins, *right = curves + runs_[r].second * bins;
        for (index_t j = runs_[r].begin; j < runs_[r + 1].begin; ++j) {
          const float l = left[code[j]];
          to[j * step] = l + shares_[static_cast<std::size_t>(j)] * (right[code[j]] - l);
        }
      }
    }

   private:
    struct run {
      index_t begin, first, second;
    };
    std::vector<float> shares_;
    std::vector<run> runs_;
  };

  index_t tiles_;
  double clip_limit_;
};

}  // namespace detail

/// Contrast limited adaptive histogram equalisation (Zuiderveld 1994) of each channel of an image [H,W,C] by itself: a
/// pixel goes through the cumulative histograms of the four nearest tiles, bilinearly blended; a bin higher than the limit
/// gives its excess to all bins, once. Finite values in any range become values in [0,1], a constant channel 0. O(H W C)
/// time, a byte a pixel. Same bits for any number of threads.
inline void equalise_locally(context<cpu>& ctx, view<const float, cpu> pixels, const local_equalisation& options,
                             view<float, cpu> out) {
  require_rank("equalise_locally", 3, "an image [H,W,C]", pixels.shape());
  require_equal_shapes("equalise_locally", pixels, out);
  if (pixels.empty()) return;
  const detail::local_equaliser equaliser(options);
  for (index_t c = 0; c < pixels.extent(2); ++c) equaliser.equalise(ctx, pixels, c, out);
}

}  // namespace aixcell
