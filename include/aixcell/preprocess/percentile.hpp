#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/order_statistics.hpp>
#include <aixcell/kernels/cpu/scale_channel.hpp>
#include <aixcell/preprocess/detail/sampled_pixels.hpp>

namespace aixcell {

/// The value below which `percent` of the values lie, linear between order statistics as NumPy's default. Reorders the
/// values; they must not be empty.
inline float percentile_of(std::vector<float>& values, double percent) {
  const double position = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), values.begin() + below, values.end());
  const double low = static_cast<double>(values[static_cast<std::size_t>(below)]);
  if (static_cast<std::size_t>(below) + 1 == values.size()) return static_cast<float>(low);
  const double high = static_cast<double>(*std::min_element(values.begin() + below + 1, values.end()));
  return static_cast<float>(low + (position - static_cast<double>(below)) * (high - low));
}

namespace detail {

/// What becomes 0 and what becomes 1.
struct intensity_range {
  double low, high;
};

inline void require_percentages(std::string_view name, float low, float high) {
  if (!(0 <= low && low < high && high <= 100))
    throw data_error(std::string(name) + ": expected 0 <= low < high <= 100, found low " + std::to_string(low) +
                     ", high " + std::to_string(high));
}

/// The percentiles of `count` > 0 finite values, one every `step`, linear between order statistics. Where the two are
/// equal, because all but a few values are, the greatest value says more than a percentile of nothing.
inline intensity_range range_of(const float* values, index_t count, index_t step, float low, float high) {
  const auto position = [&](float percent) {
    return static_cast<double>(percent) / 100 * static_cast<double>(count - 1);
  };
  const double at_low = position(low), at_high = position(high);
  const auto below = [](double at) { return static_cast<index_t>(at); };
  const auto above = [&](double at) { return std::min(below(at) + 1, count - 1); };
  const std::array<index_t, 5> ranks{below(at_low), above(at_low), below(at_high), above(at_high), count - 1};
  const std::vector<float> found = order_statistics(values, count, step, ranks);
  const auto between = [&](double at, std::size_t i) {
    const auto a = static_cast<double>(found[i]), b = static_cast<double>(found[i + 1]);
    return static_cast<double>(static_cast<float>(a + (at - std::floor(at)) * (b - a)));
  };
  const double from = between(at_low, 0), to = between(at_high, 2);
  return {from, to > from ? to : static_cast<double>(found[4])};
}

/// To 0 where the range begins and 1 where it ends; to 0 in a range of nothing.
inline channel_scale scale_of(const intensity_range& range) {
  const double extent = range.high - range.low;
  return {range.low, extent > 0 ? 1 / extent : 0};
}

}  // namespace detail

/// Maps the low and high percentile of each channel to 0 and 1: robust against hot pixels.
///   in   [H,W,C] float32, finite, any range        out  [H,W,C] float32, mostly in [0,1], not clipped
/// Where the two percentiles are equal, the greatest value becomes 1 instead; a constant channel becomes 0. Throws
/// shape_error on an empty image. O(H W C) time.
struct percentile {
  static constexpr std::string_view name = "percentile";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  float low = 1.0f;    ///< percent of pixels, 0 <= low < high
  float high = 99.8f;  ///< percent of pixels, high <= 100

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"low", &percentile::low, 0.0f, 5.0f},
                      hyperparameter{"high", &percentile::high, 95.0f, 100.0f}};
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    if (pixels.empty()) throw shape_error("percentile: the image is empty " + to_string(pixels.shape()));
    detail::require_percentages(name, low, high);
    const index_t channels = pixels.extent(2), count = pixels.size() / channels;
    std::vector<detail::intensity_range> ranges(static_cast<std::size_t>(channels));
    parallel_for(ctx, channels, [&](index_t c) {
      ranges[static_cast<std::size_t>(c)] = detail::range_of(pixels.data() + c, count, channels, low, high);
    });
    tensor<float> out(ctx, pixels.shape());
    for (index_t c = 0; c < channels; ++c)
      scale_channel(ctx, detail::scale_of(ranges[static_cast<std::size_t>(c)]), pixels.data() + c, count, channels,
                    out.data() + c);
    return out;
  }
};
static_assert(Preprocess<percentile>);

/// The same with one pair of percentiles for all images, learned from the training split: for acquisitions with one
/// fixed scale, where brightness itself tells something (total DNA).
struct fitted_percentile {
  static constexpr std::string_view name = "fitted_percentile";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  float low = 1.0f;    ///< percent of pixels, 0 <= low < high
  float high = 99.8f;  ///< percent of pixels, high <= 100

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"low", &fitted_percentile::low, 0.0f, 5.0f},
                      hyperparameter{"high", &fitted_percentile::high, 95.0f, 100.0f}};
  }

  struct state {
    std::vector<float> low, high;  ///< by channel: what becomes 0 and 1; equal for a channel that becomes 0
    static void for_each_member(auto& self, auto&& visit) {
      visit("low", self.low);
      visit("high", self.high);
    }
    friend bool operator==(const state&, const state&) = default;
  };

  /// Of all pixels where these are few, else of a sample in which images count alike.
  state fit(context<cpu>& ctx, const example_source& training) const {
    detail::require_percentages(name, low, high);
    const detail::pixel_samples samples = detail::sampled_pixels(ctx, name, training);
    state s;
    for (index_t c = 0; c < samples.channels; ++c) {
      std::vector<float> values;
      for (const std::vector<float>& pixels : samples.images)
        for (auto i = static_cast<std::size_t>(c); i < pixels.size(); i += static_cast<std::size_t>(samples.channels))
          values.push_back(pixels[i]);
      const detail::intensity_range range = detail::range_of(values.data(), std::ssize(values), 1, low, high);
      s.low.push_back(static_cast<float>(range.low));
      s.high.push_back(static_cast<float>(range.high));
    }
    return s;
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels, const state& s) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    const index_t channels = pixels.extent(2);
    require_channels(s, channels);
    tensor<float> out(ctx, pixels.shape());
    const index_t count = channels > 0 ? pixels.size() / channels : 0;
    for (index_t c = 0; c < channels; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const detail::intensity_range range{static_cast<double>(s.low[at]), static_cast<double>(s.high[at])};
      scale_channel(ctx, detail::scale_of(range), pixels.data() + c, count, channels, out.data() + c);
    }
    return out;
  }

  /// Throws shape_error unless it was fitted on images of so many channels.
  static void require_channels(const state& s, index_t channels) {
    if (std::ssize(s.low) != channels || s.low.size() != s.high.size())
      throw shape_error("fitted_percentile: fitted on " + std::to_string(s.low.size()) + " channels, the image has " +
                        std::to_string(channels));
  }
};
static_assert(Preprocess<fitted_percentile>);

}  // namespace aixcell
