#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>

namespace aixcell {

/// Contrast limited adaptive histogram equalisation (Zuiderveld 1994): each pixel goes through the cumulative
/// histograms of the four nearest tiles, bilinearly blended; a bin higher than the limit gives its excess to all bins,
/// once.
///   in   [H,W,C] float32, finite        out  [H,W,C] float32 in [0,1]; a constant channel becomes 0. Throws
///   shape_error on an empty image.
struct clahe {
  static constexpr std::string_view name = "clahe";
  static constexpr int channels_out(int channels_in) { return channels_in; }
  static constexpr int bins = 256;  ///< over the range of the channel

  int tiles = 8;            ///< in each direction, fewer in images of few pixels
  float clip_limit = 3.0f;  ///< highest bin in units of a flat histogram's

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"tiles", &clahe::tiles, 2, 16},
                      hyperparameter{"clip_limit", &clahe::clip_limit, 1.0f, 10.0f}};
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    if (pixels.empty()) throw shape_error("clahe: the image is empty " + to_string(pixels.shape()));
    tensor<float> out(pixels.shape());
    const index_t channels = pixels.extent(2);
    for (index_t c = 0; c < channels; ++c) equalise(ctx, pixels, c, out);
    return out;
  }

 private:
  void equalise(context<cpu>& ctx, view<const float, cpu> pixels, index_t c, view<float, cpu> out) const {
    const index_t height = pixels.extent(0), width = pixels.extent(1);
    float low = pixels(0, 0, c), high = low;
    for (index_t p = c; p < pixels.size(); p += pixels.extent(2))
      low = std::min(low, pixels[p]), high = std::max(high, pixels[p]);
    if (!(high > low)) return;
    // In float64: the range of float32 values need not be a float32.
    const double from = static_cast<double>(low), range = static_cast<double>(high) - from;
    const auto bin_of = [&](float v) {
      return std::min(bins - 1, static_cast<int>((static_cast<double>(v) - from) / range * bins));
    };
    const index_t rows = std::clamp<index_t>(tiles, 1, std::max<index_t>(1, height / 4)),
                  columns = std::clamp<index_t>(tiles, 1, std::max<index_t>(1, width / 4));
    std::vector<float> curves(static_cast<std::size_t>(rows * columns * bins));
    parallel_for(ctx, rows * columns, [&](index_t t) {
      const index_t top = t / columns * height / rows, bottom = (t / columns + 1) * height / rows;
      const index_t left = t % columns * width / columns, right = (t % columns + 1) * width / columns;
      std::vector<double> histogram(bins, 0.0);
      for (index_t i = top; i < bottom; ++i)
        for (index_t j = left; j < right; ++j) ++histogram[static_cast<std::size_t>(bin_of(pixels(i, j, c)))];
      const double count = static_cast<double>((bottom - top) * (right - left)),
                   limit = std::max(1.0, static_cast<double>(clip_limit)) * count / bins;
      double excess = 0;
      for (double& h : histogram) {
        excess += std::max(0.0, h - limit);
        h = std::min(h, limit);
      }
      double sum = 0;
      for (int b = 0; b < bins; ++b) {
        sum += histogram[static_cast<std::size_t>(b)] + excess / bins;
        curves[static_cast<std::size_t>(t * bins + b)] = static_cast<float>(std::min(1.0, sum / count));
      }
    });
    parallel_for(ctx, height, [&](index_t i) {
      const auto [y0, y1, fy] = neighbours(i, height, rows);
      for (index_t j = 0; j < width; ++j) {
        const auto [x0, x1, fx] = neighbours(j, width, columns);
        const int b = bin_of(pixels(i, j, c));
        const auto curve = [&](index_t y, index_t x) {
          return curves[static_cast<std::size_t>((y * columns + x) * bins + b)];
        };
        const float upper = std::lerp(curve(y0, x0), curve(y0, x1), fx),
                    lower = std::lerp(curve(y1, x0), curve(y1, x1), fx);
        out(i, j, c) = std::lerp(upper, lower, fy);
      }
    });
  }

  struct tile_pair {
    index_t first, second;
    float share;  ///< of the second
  };
  static tile_pair neighbours(index_t i, index_t extent, index_t count) {
    const float at = (static_cast<float>(i) + 0.5f) / static_cast<float>(extent) * static_cast<float>(count) - 0.5f;
    const float first = std::floor(at);
    return {std::clamp<index_t>(static_cast<index_t>(first), 0, count - 1),
            std::clamp<index_t>(static_cast<index_t>(first) + 1, 0, count - 1), at - first};
  }
};
static_assert(Preprocess<clahe>);

}  // namespace aixcell
