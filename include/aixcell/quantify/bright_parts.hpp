#pragma once
#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/metrics/region_properties.hpp>

namespace aixcell {

/// What is bright inside one object: one nucleus in a cell is one part, two are two.
struct bright_parts {
  double share = 0;   ///< bright pixels among the object's
  double second = 0;  ///< area of the second largest bright part relative to the largest, 0 if there is one only
};

namespace detail {

/// Threshold that divides values into two classes of greatest variance between them (Otsu 1979), on 64 bins.
inline float otsu_threshold(const std::vector<float>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (!(*high > *low)) return *high;
  constexpr int bins = 64;
  const float width = (*high - *low) / bins;
  std::array<double, bins> count{};
  for (const float v : values) ++count[std::min<std::size_t>(bins - 1, static_cast<std::size_t>((v - *low) / width))];
  double total = 0, sum = 0;
  for (int b = 0; b < bins; ++b) total += count[b], sum += b * count[b];
  double below = 0, below_sum = 0, best = -1;
  int threshold = 0;
  for (int b = 0; b + 1 < bins; ++b) {
    below += count[b], below_sum += b * count[b];
    if (below == 0 || below == total) continue;
    const double difference = below_sum / below - (sum - below_sum) / (total - below);
    if (const double between = below * (total - below) * difference * difference; between > best)
      best = between, threshold = b;
  }
  return *low + width * static_cast<float>(threshold + 1);
}

}  // namespace detail

/// Divides the object's pixels of one channel by Otsu's threshold after a mean over 3x3 of them, so that noise makes no
/// parts of its own, and measures the bright parts (8-connected). `labels` [H,W], `pixels` [H,W,C].
inline bright_parts bright_parts_of(label_view labels, view<const float, cpu> pixels, index_t channel,
                                    const region_properties& object) {
  const index_t width = labels.extent(1), channels = pixels.extent(2);
  const index_t rows = object.bottom - object.top, columns = object.right - object.left;
  const auto inside = [&](index_t y, index_t x) {
    return y >= 0 && x >= 0 && y < rows && x < columns &&
           labels[(object.top + y) * width + object.left + x] == object.label;
  };
  std::vector<float> smooth;
  for (index_t y = 0; y < rows; ++y)
    for (index_t x = 0; x < columns; ++x) {
      if (!inside(y, x)) continue;
      float sum = 0, count = 0;
      for (index_t i = y - 1; i <= y + 1; ++i)
        for (index_t j = x - 1; j <= x + 1; ++j)
          if (inside(i, j)) sum += pixels[((object.top + i) * width + object.left + j) * channels + channel], ++count;
      smooth.push_back(sum / count);
    }
  const float threshold = detail::otsu_threshold(smooth);
  tensor<std::uint8_t> bright({rows, columns});
  std::size_t next = 0;
  double bright_pixels = 0;
  for (index_t y = 0; y < rows; ++y)
    for (index_t x = 0; x < columns; ++x)
      if (inside(y, x)) bright_pixels += bright(y, x) = smooth[next++] >= threshold;
  label_map parts({rows, columns});
  const index_t count = connected_components(bright, connectivity::eight, parts);
  std::vector<double> area(static_cast<std::size_t>(count) + 2, 0.0);  // two parts of no area behind those there are
  for (const std::int32_t part : parts)
    if (part > 0) ++area[static_cast<std::size_t>(part - 1)];
  std::partial_sort(area.begin(), area.begin() + 2, area.end(), std::greater<>());
  return {bright_pixels / static_cast<double>(object.area), area[0] > 0 ? area[1] / area[0] : 0};
}

}  // namespace aixcell
