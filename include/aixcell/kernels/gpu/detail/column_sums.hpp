#pragma once
#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell::detail {

// Sums per channel and image of what `Source` gives for every pixel: source(n, pixel, channel) -> sums<Count>, called once
// for each. In float64 and in an order that depends on the shape only, so that the GPU, the emulation and every run agree to
// the bit; no atomics.

template <int Count>
struct sums {
  double values[Count];
  constexpr sums& operator+=(const sums& other) {
    for (int i = 0; i < Count; ++i) values[i] += other.values[i];
    return *this;
  }
};

/// How [N,P,C] is cut: a block owns `columns` channels of a range of `range` pixels of one image.
struct column_cut {
  static constexpr int threads = 256;
  int pixels, channels, columns, range;

  static constexpr column_cut of(int pixels, int channels) {
    int columns = 1;
    while (columns < channels && columns < warp_size) columns *= 2;
    return {pixels, channels, columns, threads / columns * 16};  // 16 pixels a thread
  }
  constexpr int ranges() const { return (pixels + range - 1) / range; }
  /// Rows of partial sums of an image.
  constexpr int first(int image) const { return image * ranges(); }
  constexpr int count(int) const { return ranges(); }
};

/// partial [N,ranges,C]
template <int Count, class Source>
struct column_sums_kernel {
  static constexpr std::string_view name = Source::name;
  static constexpr int threads = column_cut::threads;
  struct shared {
    sums<Count> part[threads];  // [rows, columns]
  };
  Source source;

  constexpr void operator()(auto t, shared& s, column_cut cut, sums<Count>* partial) const {
    const int column = t.rank() % cut.columns, row = t.rank() / cut.columns, rows = threads / cut.columns;
    const int c = t.block().x * cut.columns + column, r = t.block().y, n = t.block().z;
    sums<Count> sum{};
    if (c < cut.channels) {
      const int end = (r + 1) * cut.range < cut.pixels ? (r + 1) * cut.range : cut.pixels;
      for (int p = r * cut.range + row; p < end; p += rows) sum += source(n, p, c);
    }
    s.part[t.rank()] = sum;
    for (int half = rows / 2; half > 0; half /= 2) {
      t.sync();
      if (row < half) s.part[t.rank()] += s.part[t.rank() + half * cut.columns];
    }
    if (row == 0 && c < cut.channels) partial[(cut.first(n) + r) * cut.channels + c] = s.part[t.rank()];
  }
};

/// totals [N,Count,C] from partial [rows,C], of which image n has cut.count(n) from cut.first(n): a warp for each image and
/// channel, lanes over the rows, then a tree.
template <int Count, class Cut>
struct column_totals_kernel {
  static constexpr std::string_view name = "column totals";
  static constexpr int threads = 256;
  using shared = nothing;
  Cut cut;

  constexpr void operator()(auto t, shared&, int images, int channels, const sums<Count>* partial,
                            double* totals) const {
    const int place = t.block().x * (threads / warp_size) + warp_of(t), n = place / channels, c = place % channels;
    if (n >= images) return;  // the whole warp
    sums<Count> sum{};
    const int first = cut.first(n), count = cut.count(n);
    for (int r = lane_of(t); r < count; r += warp_size) sum += partial[(first + r) * channels + c];
    for (int i = 0; i < Count; ++i) {
      double total = sum.values[i];
      for (int distance = warp_size / 2; distance > 0; distance /= 2) total += t.shfl_down(total, distance);
      if (lane_of(t) == 0) totals[(n * Count + i) * channels + c] = total;
    }
  }
};

template <int Count, GpuDevice Device, class Cut>
void launch_column_totals(context<Device>& ctx, const Cut& cut, int images, int channels, const sums<Count>* partial,
                          double* totals) {
  launch(ctx, blocks_for(static_cast<std::int64_t>(images) * channels * warp_size, 256),
         column_totals_kernel<Count, Cut>{cut}, images, channels, partial, totals);
}

/// totals [N,Count,C] of images of [N,pixels,C]; nothing is written where there is no pixel.
template <int Count, GpuDevice Device, class Source>
void launch_column_sums(context<Device>& ctx, const Source& source, int images, int pixels, int channels,
                        double* totals) {
  if (images * channels == 0) return;
  const column_cut cut = column_cut::of(pixels, channels);
  tensor<sums<Count>, Device> partial(ctx, {images, cut.ranges(), channels});
  const sums<Count>* const known = partial.data();
  launch(ctx, dim{(channels + cut.columns - 1) / cut.columns, cut.ranges(), images},
         column_sums_kernel<Count, Source>{source}, cut, partial.data());
  launch_column_totals<Count>(ctx, cut, images, channels, known, totals);
}

/// total[c] += sums[n * pitch + c] over the images in order, for launch_map: sums [N,pitch] on the device.
struct add_image_sums {
  static constexpr std::string_view name = "sums of images";
  const double* sums;
  int images, pitch;
  template <class Real>
  constexpr Real operator()(int c, Real before) const {
    for (int n = 0; n < images; ++n) before += static_cast<Real>(sums[n * pitch + c]);
    return before;
  }
};

}  // namespace aixcell::detail
