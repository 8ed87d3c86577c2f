#pragma once
#include <string_view>

#include <aixcell/core/image.hpp>
#include <aixcell/core/random.hpp>

namespace aixcell {

/// A label map drawn with characters: `.` background, `#` ignored, `1`..`9` and `a`.. objects 1, 2, ...; rows end with
/// `/`.
inline label_map drawn(std::string_view rows) {
  index_t width = 0, height = 1;
  for (const char c : rows) c == '/' ? ++height : ++width;
  label_map labels({height, width / height});
  index_t i = 0;
  for (const char c : rows) {
    if (c == '/') continue;
    labels[i++] = c == '.' ? 0 : c == '#' ? ignored_label : c <= '9' ? c - '0' : c - 'a' + 10;
  }
  return labels;
}

/// Overlapping rectangles of labels 1..objects at random places, some pixels ignored on request.
struct random_labels_options {
  index_t height = 8;
  index_t width = 9;
  index_t objects = 4;
  float ignored = 0;  ///< share of pixels
};
inline label_map random_labels(random_stream& random, const random_labels_options& options) {
  label_map labels({options.height, options.width});
  for (index_t k = 1; k <= options.objects; ++k) {
    const index_t y = random.below(options.height), x = random.below(options.width);
    const index_t h = 1 + random.below(options.height / 2), w = 1 + random.below(options.width / 2);
    for (index_t i = y; i < y + h && i < options.height; ++i)
      for (index_t j = x; j < x + w && j < options.width; ++j) labels(i, j) = static_cast<std::int32_t>(k);
  }
  for (auto& label : labels)
    if (random.chance(options.ignored)) label = ignored_label;
  return labels;
}

}  // namespace aixcell
