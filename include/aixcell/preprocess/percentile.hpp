#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>

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
    if (!(0 <= low && low < high && high <= 100))
      throw data_error("percentile: expected 0 <= low < high <= 100, found low " + std::to_string(low) + ", high " +
                       std::to_string(high));
    const index_t channels = pixels.extent(2), count = pixels.size() / channels;
    tensor<float> out(pixels.shape());
    parallel_for(ctx, channels, [&](index_t c) {
      std::vector<float> values(static_cast<std::size_t>(count));
      for (index_t p = 0; p < count; ++p) values[static_cast<std::size_t>(p)] = pixels[p * channels + c];
      // In float64: the range of float32 values need not be a float32.
      const double from = static_cast<double>(percentile_of(values, static_cast<double>(low)));
      const double to = static_cast<double>(percentile_of(values, static_cast<double>(high)));
      // Sparse images: when all but a few pixels are equal, the brightest says more than a percentile of nothing.
      const double top = to > from ? to : static_cast<double>(*std::max_element(values.begin(), values.end()));
      const double range = top - from;
      for (index_t p = 0; p < count; ++p)
        out[p * channels + c] =
            range > 0 ? static_cast<float>((static_cast<double>(pixels[p * channels + c]) - from) / range) : 0.0f;
    });
    return out;
  }
};
static_assert(Preprocess<percentile>);

}  // namespace aixcell
