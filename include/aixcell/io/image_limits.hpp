#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include <aixcell/core/image.hpp>

namespace aixcell {

/// What a reader refuses to allocate: a damaged or hostile header may ask for any size.
struct image_limits {
  index_t max_pixels = index_t{1} << 28;  ///< height x width
  index_t max_values = index_t{1} << 30;  ///< height x width x channels: 4 GiB as float32
};

namespace detail {

/// Throws before anything is allocated. `where` is the file's name.
inline void check_image_size(std::string_view where, const image_limits& limits, const shape& found) {
  const index_t height = found[0], width = found[1], channels = found[2];
  const auto size = [&] {
    return std::to_string(width) + "x" + std::to_string(height) + " pixels with " + std::to_string(channels) +
           " channels";
  };
  if (height < 1 || width < 1 || channels < 1) {
    throw data_error(std::string(where) + ": the image is empty (" + size() + "); expected at least one pixel");
  }
  if (height > limits.max_pixels / width || channels > limits.max_values / (height * width)) {
    throw data_error(std::string(where) + ": " + size() + " are more than the limit of " +
                     std::to_string(limits.max_pixels) + " pixels and " + std::to_string(limits.max_values) +
                     " values; cut the image into parts or raise image_limits");
  }
}

/// Throws data_error at the first pixel that is not finite.
inline void require_finite(std::string_view where, view<const float, cpu> pixels) {
  const index_t width = pixels.extent(1), channels = pixels.extent(2);
  for (index_t i = 0; i < pixels.size(); ++i) {
    if (std::isfinite(pixels[i])) continue;
    throw data_error(std::string(where) + ": pixel row " + std::to_string(i / (width * channels)) + ", column " +
                     std::to_string(i / channels % width) + ", channel " + std::to_string(i % channels) + " is " +
                     (std::isnan(pixels[i]) ? "NaN" : "infinite") +
                     "; expected finite numbers, replace it (e.g. by 0) before the export");
  }
}

/// One channel of samples [H,W,C] as labels: C is 1, or several equal ones (a mask exported as RGB).
template <class Sample>
label_map labels_from_samples(std::string_view where, view<const Sample, cpu> samples) {
  const index_t height = samples.extent(0), width = samples.extent(1), channels = samples.extent(2);
  label_map labels({height, width});
  for (index_t i = 0; i < height * width; ++i) {
    const Sample value = samples[i * channels];
    for (index_t c = 1; c < channels; ++c) {
      if (samples[i * channels + c] != value) {
        throw data_error(std::string(where) + ": expected a gray label image, found " + std::to_string(channels) +
                         " different channels; save the labels as 16-bit gray PNG or 32-bit gray TIFF");
      }
    }
    const auto label = static_cast<std::int64_t>(value);
    if (label < ignored_label || label > std::int64_t{0x7fffffff}) {
      throw data_error(std::string(where) + ": label " + std::to_string(label) + " at row " +
                       std::to_string(i / width) + ", column " + std::to_string(i % width) +
                       " is outside -1 (not annotated) .. 2147483647; number the objects 1, 2, 3, ...");
    }
    labels[i] = static_cast<std::int32_t>(label);
  }
  return labels;
}

}  // namespace detail
}  // namespace aixcell
