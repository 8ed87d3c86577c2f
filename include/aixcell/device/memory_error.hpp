#pragma once
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include <aixcell/core/error.hpp>

namespace aixcell {

namespace detail {
/// `1.5 GiB`
inline std::string bytes_in_words(std::size_t bytes) {
  constexpr std::array<std::string_view, 4> units{"B", "KiB", "MiB", "GiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f " : "%.1f ", value);
  return text + std::string(units[unit]);
}
}  // namespace detail

/// The device has no room. A caller may catch it, lower the batch or the crop, and try again: nothing was changed.
struct device_memory_error : device_error {
  device_memory_error(std::string_view device, std::size_t bytes_asked, std::size_t bytes_free,
                      std::size_t bytes_of_device)
      : device_error(std::string(device) + ": out of memory: asked for " + detail::bytes_in_words(bytes_asked) + ", " +
                     detail::bytes_in_words(bytes_free) + " of " + detail::bytes_in_words(bytes_of_device) +
                     " are free; lower the batch size or the crop, or end other programs on this device"),
        asked(bytes_asked),
        free(bytes_free),
        total(bytes_of_device) {}
  /// With a text of its own, where more is known than that an allocation failed.
  device_memory_error(std::size_t bytes_asked, std::size_t bytes_free, std::size_t bytes_of_device,
                      const std::string& text)
      : device_error(text), asked(bytes_asked), free(bytes_free), total(bytes_of_device) {}

  std::size_t asked, free, total;  ///< bytes
};

}  // namespace aixcell
