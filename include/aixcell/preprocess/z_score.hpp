#pragma once
#include <cmath>
#include <string>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/stages.hpp>

namespace aixcell {

namespace detail {

/// Mean and deviation of each channel of an image, in float64.
struct channel_moments {
  std::vector<double> mean, deviation;
};

inline channel_moments moments_of(std::string_view name, view<const float, cpu> pixels) {
  require_rank(name, 3, "an image [H,W,C]", pixels.shape());
  if (pixels.empty()) throw shape_error(std::string(name) + ": the image is empty " + to_string(pixels.shape()));
  const index_t channels = pixels.extent(2), count = pixels.size() / channels;
  channel_moments m{std::vector<double>(static_cast<std::size_t>(channels)),
                    std::vector<double>(static_cast<std::size_t>(channels))};
  for (index_t p = 0; p < count; ++p)
    for (index_t c = 0; c < channels; ++c)
      m.mean[static_cast<std::size_t>(c)] += static_cast<double>(pixels[p * channels + c]);
  for (double& v : m.mean) v /= static_cast<double>(count);
  for (index_t p = 0; p < count; ++p)
    for (index_t c = 0; c < channels; ++c) {
      const double d = static_cast<double>(pixels[p * channels + c]) - m.mean[static_cast<std::size_t>(c)];
      m.deviation[static_cast<std::size_t>(c)] += d * d;
    }
  for (double& v : m.deviation) v = std::sqrt(v / static_cast<double>(count));
  return m;
}

/// (pixels - mean) / deviation by channel; 0 where the deviation is.
template <class Number>
tensor<float> standardised(view<const float, cpu> pixels, const std::vector<Number>& mean,
                           const std::vector<Number>& deviation) {
  const index_t channels = pixels.extent(2);
  tensor<float> out(pixels.shape());
  for (index_t i = 0; i < pixels.size(); ++i) {
    const auto c = static_cast<std::size_t>(i % channels);
    out[i] = deviation[c] > 0 ? static_cast<float>((static_cast<double>(pixels[i]) - static_cast<double>(mean[c])) /
                                                   static_cast<double>(deviation[c]))
                              : 0.0f;
  }
  return out;
}

}  // namespace detail

/// Mean 0 and deviation 1 for each channel of each image.
///   in   [H,W,C] float32, finite        out  [H,W,C] float32; a constant channel becomes 0
struct z_score {
  static constexpr std::string_view name = "z_score";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  tensor<float> apply(context<cpu>&, view<const float, cpu> pixels) const {
    const detail::channel_moments m = detail::moments_of(name, pixels);
    return detail::standardised(pixels, m.mean, m.deviation);
  }
};
static_assert(Preprocess<z_score>);

/// The same with one mean and deviation for all images, learned from the training split: for acquisitions with one
/// fixed scale, where brightness itself tells something (total DNA). Every pixel weighs the same.
struct fitted_z_score {
  static constexpr std::string_view name = "fitted_z_score";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  struct state {
    std::vector<float> mean, deviation;  ///< by channel
    static void for_each_member(auto& self, auto&& visit) {
      visit("mean", self.mean);
      visit("deviation", self.deviation);
    }
    friend bool operator==(const state&, const state&) = default;
  };

  state fit(context<cpu>& ctx, const example_source& training) const {
    std::vector<detail::channel_moments> moments(static_cast<std::size_t>(training.size()));
    std::vector<double> pixels(moments.size());
    parallel_for(ctx, training.size(), [&](index_t i) {
      const example e = training.load(i);
      moments[static_cast<std::size_t>(i)] = detail::moments_of(name, e.picture.pixels);
      pixels[static_cast<std::size_t>(i)] = static_cast<double>(e.picture.height() * e.picture.width());
    });
    if (moments.empty()) throw data_error("fitted_z_score: no training image to learn mean and deviation from");
    const std::size_t channels = moments[0].mean.size();
    for (std::size_t i = 0; i < moments.size(); ++i)
      if (moments[i].mean.size() != channels)
        throw data_error("fitted_z_score: training image " + std::to_string(i + 1) + " has " +
                         std::to_string(moments[i].mean.size()) + " channels, the first has " +
                         std::to_string(channels) + "; bring all images to one number of channels");
    state s{std::vector<float>(channels), std::vector<float>(channels)};
    for (std::size_t c = 0; c < channels; ++c) {
      double count = 0, mean = 0, square = 0;  // Chan et al. 1983: merge moments without cancellation
      for (std::size_t i = 0; i < moments.size(); ++i) {
        const double d = moments[i].mean[c] - mean, total = count + pixels[i];
        square += moments[i].deviation[c] * moments[i].deviation[c] * pixels[i] + d * d * count * pixels[i] / total;
        mean += d * pixels[i] / total;
        count = total;
      }
      s.mean[c] = static_cast<float>(mean);
      s.deviation[c] = static_cast<float>(std::sqrt(square / count));
    }
    return s;
  }

  tensor<float> apply(context<cpu>&, view<const float, cpu> pixels, const state& s) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    require_channels(s, pixels.extent(2));
    return detail::standardised(pixels, s.mean, s.deviation);
  }

  /// Throws shape_error unless it was fitted on images of so many channels.
  static void require_channels(const state& s, index_t channels) {
    if (std::ssize(s.mean) != channels || s.mean.size() != s.deviation.size())
      throw shape_error("fitted_z_score: fitted on " + std::to_string(s.mean.size()) + " channels, the image has " +
                        std::to_string(channels));
  }
};
static_assert(Preprocess<fitted_z_score>);

}  // namespace aixcell
