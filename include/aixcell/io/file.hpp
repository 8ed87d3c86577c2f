#pragma once
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <aixcell/core/error.hpp>

namespace aixcell {

namespace detail {

[[noreturn]] inline void throw_io(const std::filesystem::path& path, std::string_view what) {
  throw io_error(path.string() + ": " + std::string(what));
}

/// The same with the operating system's reason.
[[noreturn]] inline void throw_system(const std::filesystem::path& path, std::string_view what, int reason) {
  throw io_error(path.string() + ": " + std::string(what) + ": " + std::strerror(reason));
}

/// An open file that closes itself.
class file_handle {
 public:
  explicit file_handle(int descriptor) noexcept : descriptor_(descriptor) {}
  file_handle(const file_handle&) = delete;
  file_handle& operator=(const file_handle&) = delete;
  ~file_handle() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }

  /// 0, or the reason: some file systems report a failed write only here.
  int close() noexcept { return ::close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno; }

 private:
  int descriptor_;
};

inline std::vector<std::byte> read_at_most(const std::filesystem::path& path, std::size_t limit) {
  // Not blocking: opening a pipe that nobody writes to would hang.
  const file_handle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) throw_system(path, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_system(path, "cannot be read", errno);
  if (S_ISDIR(status.st_mode)) throw_io(path, "is a folder, expected a file");
  if (!S_ISREG(status.st_mode)) throw_io(path, "is not a regular file");
  std::vector<std::byte> bytes(std::min(static_cast<std::size_t>(status.st_size), limit));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_system(path, "cannot be read", errno);
    if (n == 0) throw_io(path, "became shorter while it was read; try again");
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

/// Writes all bytes and flushes them to the disk; 0 or the reason why not.
inline int write_and_flush(int descriptor, std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

}  // namespace detail

/// The whole file. Throws io_error if it is missing, a folder or unreadable.
inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  return detail::read_at_most(path, static_cast<std::size_t>(-1));
}

/// The whole file as text.
inline std::string read_text_file(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The first `count` bytes, fewer if the file is shorter. Throws like read_file.
inline std::vector<std::byte> read_file_head(const std::filesystem::path& path, std::size_t count) {
  return detail::read_at_most(path, count);
}

/// Puts `bytes` at `path` all at once: writes beside it in the same folder, flushes, renames. Who reads meanwhile sees
/// the old file or the new one; if anything fails, the old one stays and nothing is left behind. Throws io_error.
inline void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::filesystem::path beside;
  int descriptor = -1;
  for (int attempt = 0; descriptor < 0; ++attempt) {
    beside = folder / ("." + path.filename().string() + "." + std::to_string(::getpid()) + "." +
                       std::to_string(attempt) + ".part");
    descriptor = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno != EEXIST) {
      detail::throw_system(path, "cannot be written (does the folder exist?)", errno);
    }
  }
  detail::file_handle file(descriptor);
  int failure = detail::write_and_flush(file.get(), bytes);
  if (const int at_close = file.close(); failure == 0) failure = at_close;
  if (failure == 0 && ::rename(beside.c_str(), path.c_str()) != 0) failure = errno;
  if (failure != 0) {
    ::unlink(beside.c_str());
    detail::throw_system(path, "cannot be written", failure);
  }
  // The rename itself survives a power cut only when the folder is flushed; where that is not possible it is late.
  const detail::file_handle entry(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (entry.get() >= 0) ::fsync(entry.get());
}

inline void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  write_file_atomically(path, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace aixcell
