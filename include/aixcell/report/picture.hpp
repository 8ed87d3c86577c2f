#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/core/parallel.hpp>

namespace aixcell {

/// A picture for people: [H,W,3] red, green, blue, 0..255.
using rgb_picture = tensor<std::uint8_t>;

using rgb = std::array<std::uint8_t, 3>;

struct display_options {
  double low = 0.5;    ///< percentile of each channel that is shown black
  double high = 99.8;  ///< percentile that is shown at full brightness
};

namespace detail {

/// The channels' colours of a composite. Two channels are DAPI and membrane: blue and green. Light blue, since the
/// eye takes pure blue for nearly black.
inline rgb composite_colour(index_t channel) {
  constexpr std::array<rgb, 6> colours{
      {{70, 120, 255}, {40, 220, 90}, {255, 60, 60}, {255, 210, 0}, {230, 60, 230}, {0, 210, 220}}};
  return colours[static_cast<std::size_t>(channel) % colours.size()];
}

struct shown_range {
  float low, high;
};

/// Percentiles of a channel, from every k-th pixel of a large image.
inline shown_range display_range(view<const float, cpu> pixels, index_t channel, const display_options& options) {
  constexpr index_t enough = 1 << 18;
  const index_t channels = pixels.extent(2), count = pixels.extent(0) * pixels.extent(1);
  const index_t step = count / enough + 1;
  std::vector<float> sample;
  for (index_t i = 0; i < count; i += step)
    if (const float v = pixels[i * channels + channel]; std::isfinite(v)) sample.push_back(v);
  if (sample.empty()) return {0, 0};
  const auto percentile = [&](double percent) {
    const double position = percent / 100 * static_cast<double>(sample.size() - 1);
    const auto nth = sample.begin() + static_cast<index_t>(std::lround(position));
    std::nth_element(sample.begin(), nth, sample.end());
    return *nth;
  };
  return {percentile(options.low), percentile(options.high)};
}

/// Of a value in [0,255]; halves go up, as std::lround, which is a call for each pixel.
inline std::uint8_t rounded_byte(float value) { return static_cast<std::uint8_t>(static_cast<double>(value) + 0.5); }

}  // namespace detail

/// An image [H,W,C] of any channel count as a picture, each channel stretched between its percentiles: 1 channel gray,
/// 3 red, green, blue; any other count a sum of coloured channels (blue, green, red, yellow, magenta, cyan, ...).
/// A constant channel is black. Throws shape_error unless pixels are [H,W,C] with C >= 1.
inline rgb_picture display(const context<cpu>& ctx, view<const float, cpu> pixels, const display_options& options = {}) {
  require_rank("display", 3, "an image [H,W,C]", pixels.shape());
  const index_t height = pixels.extent(0), width = pixels.extent(1), channels = pixels.extent(2);
  if (channels < 1) detail::throw_wrong_rank("display", "an image with at least one channel", pixels.shape());

  struct shown_channel {
    index_t channel;
    float low, high;
    rgb colour;
  };
  std::vector<detail::shown_range> ranges(static_cast<std::size_t>(channels));
  parallel_for(ctx, channels, [&](index_t c) {
    ranges[static_cast<std::size_t>(c)] = detail::display_range(pixels, c, options);
  });
  std::vector<shown_channel> shown;
  for (index_t c = 0; c < channels; ++c) {
    const auto [low, high] = ranges[static_cast<std::size_t>(c)];
    if (!(high > low)) continue;
    rgb colour = detail::composite_colour(c);
    if (channels == 1) colour = {255, 255, 255};
    if (channels == 3)
      colour = {std::uint8_t(c == 0 ? 255 : 0), std::uint8_t(c == 1 ? 255 : 0), std::uint8_t(c == 2 ? 255 : 0)};
    shown.push_back({c, low, high, colour});
  }
  rgb_picture picture({height, width, 3});
  parallel_ranges(ctx, height * width, index_t{1} << 16, [&](index_t begin, index_t end) {
    std::uint8_t* to = picture.data() + 3 * begin;
    for (index_t i = begin; i < end; ++i) {
      std::array<float, 3> sum{};
      for (const shown_channel& s : shown) {
        const float value = pixels[i * channels + s.channel];
        const float share = std::isfinite(value) ? std::clamp((value - s.low) / (s.high - s.low), 0.0f, 1.0f) : 0.0f;
        for (std::size_t k = 0; k < 3; ++k) sum[k] += share * static_cast<float>(s.colour[k]);
      }
      for (const float value : sum) *to++ = detail::rounded_byte(std::min(value, 255.0f));
    }
  });
  return picture;
}
inline rgb_picture display(view<const float, cpu> pixels, const display_options& options = {}) {
  return display(context<cpu>(1), pixels, options);
}

struct shrink_options {
  index_t longest_side = 640;  ///< pixels, >= 1
};

/// The factor by which a picture of this size must be divided to fit: 1 or more, whole.
inline index_t shrink_factor(index_t height, index_t width, const shrink_options& options = {}) {
  return std::max<index_t>(1, (std::max(height, width) + options.longest_side - 1) / options.longest_side);
}

/// An image [H,W,C] made smaller by a whole factor: means of blocks, so that nothing is lost between samples.
inline tensor<float> shrunk_image(view<const float, cpu> pixels, index_t factor) {
  require_rank("shrunk_image", 3, "an image [H,W,C]", pixels.shape());
  const index_t height = pixels.extent(0), width = pixels.extent(1), channels = pixels.extent(2);
  tensor<float> small({(height + factor - 1) / factor, (width + factor - 1) / factor, channels});
  for (index_t y = 0; y < small.extent(0); ++y)
    for (index_t x = 0; x < small.extent(1); ++x)
      for (index_t c = 0; c < channels; ++c) {
        double sum = 0;
        index_t count = 0;
        for (index_t i = y * factor; i < std::min(height, (y + 1) * factor); ++i)
          for (index_t j = x * factor; j < std::min(width, (x + 1) * factor); ++j, ++count)
            sum += static_cast<double>(pixels[(i * width + j) * channels + c]);
        small[(y * small.extent(1) + x) * channels + c] = static_cast<float>(sum / static_cast<double>(count));
      }
  return small;
}

/// A small picture with every pixel repeated, so that its longer side is at least about `longest_side`.
inline rgb_picture enlarged(const rgb_picture& small, index_t longest_side) {
  const index_t longer = std::max(small.extent(0), small.extent(1));
  const index_t factor = std::max<index_t>(1, (longest_side + longer / 2) / std::max<index_t>(1, longer));
  rgb_picture large({factor * small.extent(0), factor * small.extent(1), 3});
  for (index_t i = 0; i < large.extent(0); ++i)
    for (index_t j = 0; j < large.extent(1); ++j)
      for (index_t c = 0; c < 3; ++c) large(i, j, c) = small(i / factor, j / factor, c);
  return large;
}

/// A label map [H,W] made smaller by the same factor: the label at the middle of each block.
inline label_map shrunk_labels(view<const std::int32_t, cpu> labels, index_t factor) {
  require_rank("shrunk_labels", 2, "a label map [H,W]", labels.shape());
  const index_t height = labels.extent(0), width = labels.extent(1);
  label_map small({(height + factor - 1) / factor, (width + factor - 1) / factor});
  for (index_t y = 0; y < small.extent(0); ++y)
    for (index_t x = 0; x < small.extent(1); ++x)
      small(y, x) = labels(std::min(height - 1, y * factor + factor / 2), std::min(width - 1, x * factor + factor / 2));
  return small;
}

/// Pictures of equal height in one row, four white pixels between them. Throws shape_error on different heights.
inline rgb_picture side_by_side(const std::vector<rgb_picture>& pictures) {
  constexpr index_t gap = 4;
  if (pictures.empty()) return {};
  index_t width = -gap;
  for (const auto& p : pictures) {
    require_shape("side_by_side", {pictures[0].extent(0), p.extent(1), 3}, p.shape());
    width += p.extent(1) + gap;
  }
  rgb_picture row({pictures[0].extent(0), width, 3});
  row.fill(255);
  index_t left = 0;
  for (const auto& p : pictures) {
    for (index_t y = 0; y < p.extent(0); ++y)
      std::copy_n(p.data() + y * p.extent(1) * 3, p.extent(1) * 3, row.data() + (y * width + left) * 3);
    left += p.extent(1) + gap;
  }
  return row;
}

}  // namespace aixcell
