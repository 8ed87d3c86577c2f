#pragma once
#include <cstdint>
#include <memory>

#include <aixcell/io/file.hpp>

namespace aixcell {

/// Where the bytes of an image come from: a file, or memory with a name for messages. Readers take it by value, so
/// `read_png("cell.png")` and `read_png({bytes, "frame 7"})` are one function. Memory is not copied and must live on.
class image_source {
 public:
  image_source(std::filesystem::path path) : path_(std::move(path)), name_(path_.string()) {}
  image_source(const std::string& path) : image_source(std::filesystem::path(path)) {}
  image_source(const char* path) : image_source(std::filesystem::path(path)) {}
  image_source(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  /// Stands in front of every message.
  const std::string& name() const noexcept { return name_; }
  /// Empty when the bytes are in memory.
  const std::filesystem::path& path() const noexcept { return path_; }

  /// The first `count` bytes, fewer if there are not as many.
  std::vector<std::byte> head(std::size_t count) const {
    if (!path_.empty()) return read_file_head(path_, count);
    const auto first = bytes_.first(std::min(count, bytes_.size()));
    return {first.begin(), first.end()};
  }

  /// All bytes; a file is read at the first call. Valid while this source lives.
  std::span<const std::byte> bytes() {
    if (!path_.empty() && bytes_.empty()) {
      file_ = std::make_shared<std::vector<std::byte>>(read_file(path_));
      bytes_ = *file_;
    }
    return bytes_;
  }

 private:
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const std::vector<std::byte>> file_;
  std::string name_;
};

namespace detail {

[[noreturn]] inline void throw_damaged(const image_source& from, std::string_view format, std::string_view what) {
  throw io_error(from.name() + ": damaged or incomplete " + std::string(format) + " file (" + std::string(what) +
                 "); copy or export it again");
}

/// Unsigned numbers inside a file, at any alignment.
inline std::uint32_t big_endian_32(const std::byte* p) {
  return std::to_integer<std::uint32_t>(p[0]) << 24 | std::to_integer<std::uint32_t>(p[1]) << 16 |
         std::to_integer<std::uint32_t>(p[2]) << 8 | std::to_integer<std::uint32_t>(p[3]);
}
inline std::uint32_t little_endian_32(const std::byte* p) {
  return std::to_integer<std::uint32_t>(p[3]) << 24 | std::to_integer<std::uint32_t>(p[2]) << 16 |
         std::to_integer<std::uint32_t>(p[1]) << 8 | std::to_integer<std::uint32_t>(p[0]);
}

/// True if `bytes` begins with the characters of `magic`.
inline bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace detail
}  // namespace aixcell
