#pragma once
#include <utility>

#include <aixcell/kernels/detail/ordered_bits.hpp>
#include <aixcell/kernels/gpu/detail/find_rank.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

// Order statistics by their bits: an order-preserving integer for each value, and histograms of its upper 11, then 11, then 10
// bits. Counts are integers, so atomics give the same on every run; three reads of the image, no sort.

/// A rank that is looked for: the upper bits found so far, and its rank among the values that have them.
struct sought_rank {
  std::uint32_t prefix;
  int rank;
};

inline constexpr int sought_ranks = 5;  // two neighbours of each percentile, and the greatest
inline constexpr int histogram_bins = 2048;
struct digit {
  int shift, bits;  // of this pass
};

/// histograms [C,sought_ranks,bins] += a share of the pixels; ranks that share a prefix share the first one's histogram.
struct digit_histogram_kernel {
  static constexpr std::string_view name = "percentile: histogram";
  static constexpr int threads = 256;
  struct shared {
    int counts[sought_ranks][histogram_bins];
  };
  /// The rank whose histogram rank r reads.
  static constexpr int owner(const sought_rank* sought, int r) {
    int first = 0;
    while (sought[first].prefix != sought[r].prefix) ++first;
    return first;
  }

  constexpr void operator()(auto t, shared& s, int pixels, int channels, const float* image,
                            const sought_rank* all_sought, digit d, int* histograms) const {
    const int channel = t.block().y, bins = 1 << d.bits;
    const sought_rank* const sought = all_sought + channel * sought_ranks;
    for (int i = t.rank(); i < sought_ranks * histogram_bins; i += threads)
      s.counts[i / histogram_bins][i % histogram_bins] = 0;
    t.sync();
    for (int p = global_rank(t); p < pixels; p += grid_threads(t)) {
      const std::uint32_t bits = ordered_bits(image[p * channels + channel]);
      const auto upper = static_cast<std::uint64_t>(bits) >> (d.shift + d.bits);
      for (int r = 0; r < sought_ranks; ++r)
        if (upper == sought[r].prefix && owner(sought, r) == r)
          t.atomic_add(&s.counts[r][(bits >> d.shift) & static_cast<std::uint32_t>(bins - 1)], 1);
    }
    t.sync();
    for (int i = t.rank(); i < sought_ranks * bins; i += threads) {
      const int r = i / bins, bin = i % bins;
      if (s.counts[r][bin] != 0)
        t.atomic_add(&histograms[(channel * sought_ranks + r) * histogram_bins + bin], s.counts[r][bin]);
    }
  }
};

/// A block a channel, a warp a rank: finds the bin of the rank. A warp at the same time reads what others write, so ranks found
/// go to another array.
struct find_digit_kernel {
  static constexpr std::string_view name = "percentile: digit";
  static constexpr int threads = sought_ranks * warp_size;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const int* histograms, digit d, const sought_rank* from,
                            sought_rank* to) const {
    const int channel = t.block().x, r = warp_of(t), bins = 1 << d.bits, each = bins / warp_size;
    const sought_rank* const sought = from + channel * sought_ranks;
    const int owner = digit_histogram_kernel::owner(sought, r);
    find_rank(t, histograms + (channel * sought_ranks + owner) * histogram_bins, each, sought[r].rank,
              [&](int bin, int rank) {
                to[channel * sought_ranks + r] = {sought[r].prefix << d.bits | static_cast<std::uint32_t>(bin), rank};
              });
  }
};

struct sought_positions {
  double low, high;  // percentiles as positions among the sorted values
};

struct start_ranks_kernel {
  static constexpr std::string_view name = "percentile: ranks";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int channels, int pixels, sought_positions at, sought_rank* sought) const {
    const int i = global_rank(t), r = i % sought_ranks;
    if (i >= channels * sought_ranks) return;
    const int low = static_cast<int>(at.low), high = static_cast<int>(at.high), last = pixels - 1;
    const int rank = r == 0 ? low : r == 1 ? low + 1 : r == 2 ? high : r == 3 ? high + 1 : last;
    sought[i] = {0, rank < last ? rank : last};
  }
};

/// ranges [C,2]: what becomes 0 and what becomes 1.
struct percentile_ranges_kernel {
  static constexpr std::string_view name = "percentile: ranges";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int channels, sought_positions at, const sought_rank* sought,
                            double* ranges) const {
    const int c = global_rank(t);
    if (c >= channels) return;
    const sought_rank* const of = sought + c * sought_ranks;
    const auto between = [&](int r, double position) {
      const auto below = static_cast<double>(value_of_bits(of[r].prefix)),
                 above = static_cast<double>(value_of_bits(of[r + 1].prefix));
      return static_cast<double>(
          static_cast<float>(below + (position - static_cast<double>(static_cast<int>(position))) * (above - below)));
    };
    const double low = between(0, at.low), high = between(2, at.high);
    ranges[2 * c] = low;
    ranges[2 * c + 1] = high > low ? high : static_cast<double>(value_of_bits(of[4].prefix));
  }
};

struct within_range {
  static constexpr std::string_view name = "percentile";
  const double* ranges;
  int channels;
  constexpr float operator()(int i, float v) const {
    const double* const range = ranges + 2 * (i % channels);
    const double extent = range[1] - range[0];
    // By the reciprocal, as the processor does: the same bits.
    return extent > 0 ? static_cast<float>((static_cast<double>(v) - range[0]) * (1 / extent)) : 0.0f;
  }
};

}  // namespace detail

/// ranges [C,2] float64: the low and high percentile of each channel of an image [H,W,C], linear between order statistics as
/// NumPy's default and rounded to float32; where they are equal, the greatest value takes the place of the high one. Exact.
/// Throws shape_error on an image without a pixel. 0 <= low < high <= 100.
template <GpuDevice Device>
void percentile_ranges(context<Device>& ctx, view_on<const float, Device> image, float low, float high,
                       view_on<double, Device> ranges) {
  require_rank("percentile_ranges", 3, "an image [H,W,C]", image.shape());
  if (image.empty()) detail::throw_wrong_rank("percentile_ranges", "an image with a pixel", image.shape());
  require_shape("percentile_ranges", {image.extent(2), 2}, ranges.shape());
  detail::counted("percentile_ranges", image.size());
  const auto channels = static_cast<int>(image.extent(2)), pixels = static_cast<int>(image.extent(0) * image.extent(1));
  const auto position = [&](float percent) {
    return static_cast<double>(percent) / 100 * static_cast<double>(pixels - 1);
  };
  const detail::sought_positions at{position(low), position(high)};
  tensor<detail::sought_rank, Device> sought(ctx, {2, channels, detail::sought_ranks});
  tensor<int, Device> histograms(ctx, {channels, detail::sought_ranks, detail::histogram_bins});
  detail::sought_rank *now = sought.data(), *next = now + channels * detail::sought_ranks;
  const int* const counts = histograms.data();
  launch(ctx, blocks_for(channels * detail::sought_ranks, 64), detail::start_ranks_kernel{}, channels, pixels, at, now);
  const int blocks = pixels / 4096 + 1;  // what a block counts is worth its 40 KiB of histograms
  for (const detail::digit d : {detail::digit{21, 11}, detail::digit{10, 11}, detail::digit{0, 10}}) {
    detail::launch_map(ctx, detail::zeros{}, histograms.size(), histograms.data());
    launch(ctx, {blocks, channels, 1}, detail::digit_histogram_kernel{}, pixels, channels, image.data(),
           static_cast<const detail::sought_rank*>(now), d, histograms.data());
    launch(ctx, {channels, 1, 1}, detail::find_digit_kernel{}, counts, d, static_cast<const detail::sought_rank*>(now),
           next);
    std::swap(now, next);
  }
  launch(ctx, blocks_for(channels, 64), detail::percentile_ranges_kernel{}, channels, at,
         static_cast<const detail::sought_rank*>(now), ranges.data());
}

/// out = (image - low) * (1 / (high - low)) of each channel's range, in float64; 0 where a range is empty.
template <GpuDevice Device>
void scale_to_ranges(context<Device>& ctx, view_on<const float, Device> image, view_on<const double, Device> ranges,
                     view_on<float, Device> out) {
  require_rank("scale_to_ranges", 3, "an image [H,W,C]", image.shape());
  require_shape("scale_to_ranges", {image.extent(2), 2}, ranges.shape());
  require_equal_shapes("scale_to_ranges", image, out);
  detail::launch_map(ctx, detail::within_range{ranges.data(), static_cast<int>(image.extent(2))}, out.size(),
                     out.data(), image.data());
}

}  // namespace aixcell
