// The one unit that implements stb_image, compiled into every program that uses aixcell::png.
// PNG and BMP only: the packaged version's other decoders write out of bounds on hostile files.
#include <aixcell/io/detail/stb.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

// Each block stb asks for. Pixels are limited before decoding; this stops a zlib stream that expands without end.
constexpr std::size_t largest_block = std::size_t{1} << 31;

void* limited_malloc(std::size_t size) { return size > largest_block ? nullptr : std::malloc(size); }
void* limited_realloc(void* block, std::size_t size) {
  return size > largest_block ? nullptr : std::realloc(block, size);
}

}  // namespace

#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS (1 << 24)
#define STBI_MALLOC(size) limited_malloc(size)
#define STBI_REALLOC(block, size) limited_realloc(block, size)
#define STBI_FREE(block) std::free(block)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace aixcell::detail {

// Weak: a library and the program that links it may both bring this unit.
__attribute__((weak)) stb_pixels stb_decode(std::span<const std::byte> file, int bits) {
  stb_pixels result;
  const auto* bytes = reinterpret_cast<const stbi_uc*>(file.data());
  const int size = static_cast<int>(file.size());
  void* pixels =
      bits == 16
          ? static_cast<void*>(
                stbi_load_16_from_memory(bytes, size, &result.width, &result.height, &result.channels, 0))
          : static_cast<void*>(stbi_load_from_memory(bytes, size, &result.width, &result.height, &result.channels, 0));
  result.data = {pixels, [](void* p) { std::free(p); }};
  if (!pixels) result.failure = stbi_failure_reason();
  return result;
}

}  // namespace aixcell::detail
