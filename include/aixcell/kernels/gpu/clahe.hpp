#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/kernels/detail/ordered_bits.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

struct clahe_options {
  int tiles = 8;            ///< in each direction, fewer in images of few pixels
  float clip_limit = 3.0f;  ///< highest bin in units of a flat histogram's
};

namespace detail {

inline constexpr int clahe_bins = 256;

/// An image in tiles, and the values of its channels in bins.
struct clahe_grid {
  int height, width, channels, rows, columns;

  /// ranges [C,2]: least and greatest value as ordered bits. A channel of one value has no bins: -1.
  constexpr int bin(const std::uint32_t* ranges, int c, float v) const {
    const auto low = static_cast<double>(value_of_bits(ranges[2 * c])),
               high = static_cast<double>(value_of_bits(ranges[2 * c + 1]));
    if (!(high > low)) return -1;
    const auto b = static_cast<int>((static_cast<double>(v) - low) / (high - low) * clahe_bins);
    return b < clahe_bins - 1 ? b : clahe_bins - 1;
  }
};

struct channel_ranges_kernel {
  static constexpr std::string_view name = "clahe: ranges";
  static constexpr int threads = 256;
  struct shared {
    std::uint32_t low, high;
  };
  constexpr void operator()(auto t, shared& s, clahe_grid g, const float* image, std::uint32_t* ranges) const {
    const int c = t.block().y, pixels = g.height * g.width;
    if (t.rank() == 0) {
      s.low = 0xffffffffu;
      s.high = 0;
    }
    t.sync();
    std::uint32_t low = 0xffffffffu, high = 0;
    for (int p = global_rank(t); p < pixels; p += grid_threads(t)) {
      const std::uint32_t bits = ordered_bits(image[p * g.channels + c]);
      low = bits < low ? bits : low;
      high = bits > high ? bits : high;
    }
    t.atomic_min(&s.low, low);
    t.atomic_max(&s.high, high);
    t.sync();
    if (t.rank() != 0) return;
    t.atomic_min(&ranges[2 * c], s.low);
    t.atomic_max(&ranges[2 * c + 1], s.high);
  }
};

/// curves [C,rows,columns,bins]: a block for each tile and channel. Sums in float64 and in the order of the bins.
struct clahe_curves_kernel {
  static constexpr std::string_view name = "clahe: curves";
  static constexpr int threads = clahe_bins;
  struct shared {
    int counts[clahe_bins];
    double curve[clahe_bins];
  };
  constexpr void operator()(auto t, shared& s, clahe_grid g, double clip, const float* image, const std::uint32_t* ranges,
                            float* curves) const {
    const int tile = t.block().x, c = t.block().y, i = tile / g.columns, j = tile % g.columns;
    const int top = i * g.height / g.rows, bottom = (i + 1) * g.height / g.rows, left = j * g.width / g.columns,
              right = (j + 1) * g.width / g.columns, pixels = (bottom - top) * (right - left);
    s.counts[t.rank()] = 0;
    t.sync();
    for (int p = t.rank(); p < pixels; p += threads) {
      const int y = top + p / (right - left), x = left + p % (right - left);
      const int b = g.bin(ranges, c, image[(y * g.width + x) * g.channels + c]);
      if (b >= 0) t.atomic_add(&s.counts[b], 1);
    }
    t.sync();
    if (t.rank() == 0) {
      const double limit = clip * static_cast<double>(pixels) / clahe_bins;
      double excess = 0, sum = 0;
      for (int b = 0; b < clahe_bins; ++b) {
        const double above = static_cast<double>(s.counts[b]) - limit;
        excess += above > 0 ? above : 0.0;
      }
      for (int b = 0; b < clahe_bins; ++b) {
        const auto count = static_cast<double>(s.counts[b]);
        sum += (count < limit ? count : limit) + excess / clahe_bins;
        const double share = sum / static_cast<double>(pixels);
        s.curve[b] = share < 1 ? share : 1.0;
      }
    }
    t.sync();
    curves[((c * g.rows + i) * g.columns + j) * clahe_bins + t.rank()] = static_cast<float>(s.curve[t.rank()]);
  }
};

/// Blends the curves of the four nearest tiles.
struct clahe_blend {
  static constexpr std::string_view name = "clahe";
  clahe_grid g;
  const std::uint32_t* ranges;
  const float* curves;

  struct tile_pair {
    int first, second;
    float share;
  };
  static constexpr int inside(int tile, int count) { return tile < 0 ? 0 : tile < count ? tile : count - 1; }
  static constexpr tile_pair neighbours(int i, int extent, int count) {
    const float at = (static_cast<float>(i) + 0.5f) / static_cast<float>(extent) * static_cast<float>(count) - 0.5f;
    const float first = std::floor(at);
    return {inside(static_cast<int>(first), count), inside(static_cast<int>(first) + 1, count), at - first};
  }
  static constexpr float between(float a, float b, float share) { return a + share * (b - a); }
  constexpr float operator()(int k, float v) const {
    const int c = k % g.channels, j = k / g.channels % g.width, i = k / g.channels / g.width, b = g.bin(ranges, c, v);
    if (b < 0) return 0;
    const tile_pair y = neighbours(i, g.height, g.rows), x = neighbours(j, g.width, g.columns);
    const float* const of = curves + c * g.rows * g.columns * clahe_bins + b;
    const float upper = between(of[(y.first * g.columns + x.first) * clahe_bins],
                                of[(y.first * g.columns + x.second) * clahe_bins], x.share);
    const float lower = between(of[(y.second * g.columns + x.first) * clahe_bins],
                                of[(y.second * g.columns + x.second) * clahe_bins], x.share);
    return between(upper, lower, y.share);
  }
};

struct no_range {
  static constexpr std::string_view name = "clahe: no range yet";
  constexpr std::uint32_t operator()(int i) const { return i % 2 == 0 ? 0xffffffffu : 0u; }
};

}  // namespace detail

/// Contrast limited adaptive histogram equalisation of each channel of an image [H,W,C], finite, as preprocess/clahe.hpp: the
/// same histograms; out in [0,1] differs from the processor's by the rounding of the blend. out may be the image. Throws
/// shape_error on an image without a pixel.
template <GpuDevice Device>
void clahe_equalise(context<Device>& ctx, view_on<const float, Device> image, const clahe_options& o,
                    view_on<float, Device> out) {
  require_rank("clahe", 3, "an image [H,W,C]", image.shape());
  if (image.empty()) detail::throw_wrong_rank("clahe", "an image with a pixel", image.shape());
  require_equal_shapes("clahe", image, out);
  detail::counted("clahe", image.size());
  const auto height = static_cast<int>(image.extent(0)), width = static_cast<int>(image.extent(1)),
             channels = static_cast<int>(image.extent(2));
  const auto tiles_of = [&](int extent) { return std::clamp(o.tiles, 1, std::max(1, extent / 4)); };
  const detail::clahe_grid g{height, width, channels, tiles_of(height), tiles_of(width)};
  tensor<std::uint32_t, Device> ranges(ctx, {channels, 2});
  tensor<float, Device> curves(ctx, {channels, g.rows * g.columns, detail::clahe_bins});
  const std::uint32_t* const known = ranges.data();
  detail::launch_map(ctx, detail::no_range{}, ranges.size(), ranges.data());
  launch(ctx, {height * width / 4096 + 1, channels, 1}, detail::channel_ranges_kernel{}, g, image.data(), ranges.data());
  launch(ctx, {g.rows * g.columns, channels, 1}, detail::clahe_curves_kernel{}, g,
         static_cast<double>(std::max(1.0f, o.clip_limit)), image.data(), known, curves.data());
  detail::launch_map_singly(ctx, detail::clahe_blend{g, known, curves.data()}, out.size(), out.data(), image.data());
}

}  // namespace aixcell
