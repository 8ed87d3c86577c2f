#pragma once
#include <cstddef>
#include <memory>
#include <span>

namespace aixcell::detail {

/// Pixels decoded by stb_image: [height,width,channels] of 8 or 16 bits in the machine's byte order.
struct stb_pixels {
  std::unique_ptr<void, void (*)(void*)> data{nullptr, nullptr};
  int height = 0, width = 0, channels = 0;
  const char* failure = nullptr;  ///< a string literal when data is null
};

// Defined in cmake/stb_implementation.cpp, which the target aixcell::png compiles into each program. There stb itself
// is static: a program with its own copy of stb links without a clash.

/// A PNG or BMP of 8 or 16 bits per channel; `bits` says as what to decode.
stb_pixels stb_decode(std::span<const std::byte> file, int bits);

}  // namespace aixcell::detail
