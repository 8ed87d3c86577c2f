#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

struct channel_value {
  static constexpr std::string_view name = "channel_moments: mean";
  const float* image;
  int channels;
  constexpr sums<1> operator()(int, int p, int c) const { return {{static_cast<double>(image[p * channels + c])}}; }
};
struct square_from_mean {
  static constexpr std::string_view name = "channel_moments: deviation";
  const float* image;
  const double* mean;
  int channels;
  constexpr sums<1> operator()(int, int p, int c) const {
    const double d = static_cast<double>(image[p * channels + c]) - mean[c];
    return {{d * d}};
  }
};
struct mean_of_sum {
  static constexpr std::string_view name = "channel_moments: share";
  double count;
  constexpr double operator()(int, double sum) const { return sum / count; }
};
struct deviation_of_sum {
  static constexpr std::string_view name = "channel_moments: root";
  double count;
  constexpr double operator()(int, double sum) const { return std::sqrt(sum / count); }
};

struct standardised_value {
  static constexpr std::string_view name = "standardise";
  const double* moments;
  int channels;
  constexpr float operator()(int i, float v) const {
    const int c = i % channels;
    const double deviation = moments[channels + c];
    return deviation > 0 ? static_cast<float>((static_cast<double>(v) - moments[c]) / deviation) : 0.0f;
  }
};

}  // namespace detail

/// moments [2,C] float64: the mean of each channel of an image [H,W,C], then its deviation. Sums in float64 in an order of
/// their own: the processor's but for their rounding. Throws shape_error on an image without a pixel.
template <GpuDevice Device>
void channel_moments(context<Device>& ctx, view_on<const float, Device> image, view_on<double, Device> moments) {
  require_rank("channel_moments", 3, "an image [H,W,C]", image.shape());
  if (image.empty()) detail::throw_wrong_rank("channel_moments", "an image with a pixel", image.shape());
  require_shape("channel_moments", {2, image.extent(2)}, moments.shape());
  detail::counted("channel_moments", image.size());
  const auto channels = static_cast<int>(image.extent(2)), pixels = static_cast<int>(image.extent(0) * image.extent(1));
  double *const mean = moments.data(), *const deviation = mean + channels;
  const auto count = static_cast<double>(pixels);
  detail::launch_column_sums<1>(ctx, detail::channel_value{image.data(), channels}, 1, pixels, channels, mean);
  detail::launch_map(ctx, detail::mean_of_sum{count}, channels, mean, static_cast<const double*>(mean));
  detail::launch_column_sums<1>(ctx, detail::square_from_mean{image.data(), mean, channels}, 1, pixels, channels,
                                deviation);
  detail::launch_map(ctx, detail::deviation_of_sum{count}, channels, deviation, static_cast<const double*>(deviation));
}

/// out = (image - mean) / deviation by channel, in float64; 0 where the deviation is. moments [2,C] as channel_moments.
template <GpuDevice Device>
void standardise(context<Device>& ctx, view_on<const float, Device> image, view_on<const double, Device> moments,
                 view_on<float, Device> out) {
  require_rank("standardise", 3, "an image [H,W,C]", image.shape());
  require_shape("standardise", {2, image.extent(2)}, moments.shape());
  require_equal_shapes("standardise", image, out);
  detail::launch_map(ctx, detail::standardised_value{moments.data(), static_cast<int>(image.extent(2))}, out.size(),
                     out.data(), image.data());
}

}  // namespace aixcell
