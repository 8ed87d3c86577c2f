#pragma once
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <new>

#include <tiffio.h>

#include <aixcell/io/image_source.hpp>

namespace aixcell::detail {

/// An open TIFF. Errors and warnings of libtiff come here and not to the process-wide handlers, which print.
class tiff_handle {
 public:
  /// For reading. A file is not mapped: if it shrinks meanwhile that is an error, not a signal.
  explicit tiff_handle(image_source from) : source_(std::move(from)) {
    if (!source_.path().empty()) {
      source_.head(1);  // says why a file cannot be opened better than libtiff
      tiff_.reset(TIFFOpenExt(source_.path().c_str(), "rm", options().get()));
    } else {
      bytes_ = source_.bytes();
      tiff_.reset(TIFFClientOpenExt(source_.name().c_str(), "rm", this, read, write, seek, close, size, nullptr,
                                    nullptr, options().get()));
    }
    require(tiff_ != nullptr);
  }

  /// For writing to memory; `large` writes BigTIFF, needed above 4 GiB.
  enum class layout { classic, large };
  tiff_handle(std::vector<std::byte>& output, layout kind) : source_({}, "TIFF in memory"), output_(&output) {
    tiff_.reset(TIFFClientOpenExt("TIFF in memory", kind == layout::large ? "w8" : "w", this, read, write, seek, close,
                                  size, nullptr, nullptr, options().get()));
    require(tiff_ != nullptr);
  }

  tiff_handle(const tiff_handle&) = delete;
  tiff_handle& operator=(const tiff_handle&) = delete;

  TIFF* get() const noexcept { return tiff_.get(); }
  const image_source& source() const noexcept { return source_; }

  /// Throws io_error if a call failed or libtiff has complained since the last check.
  void require(bool success) {
    if (success && message_[0] == '\0') return;
    const std::string reason = message_[0] ? message_ : "unreadable";
    message_[0] = '\0';
    throw_damaged(source_, "TIFF", reason);
  }

 private:
  struct closer {
    void operator()(TIFF* tiff) const noexcept { TIFFClose(tiff); }
  };
  using options_pointer = std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)>;

  options_pointer options() {
    options_pointer o(TIFFOpenOptionsAlloc(), TIFFOpenOptionsFree);
    if (!o) throw std::bad_alloc();
    TIFFOpenOptionsSetMaxSingleMemAlloc(o.get(), tmsize_t{1} << 31);
    TIFFOpenOptionsSetErrorHandlerExtR(o.get(), keep_first_error, this);
    TIFFOpenOptionsSetWarningHandlerExtR(
        o.get(), [](TIFF*, void*, const char*, const char*, va_list) { return 1; }, nullptr);
    return o;
  }

  __attribute__((format(printf, 4, 0))) static int keep_first_error(TIFF*, void* self, const char*, const char* format,
                                                                    va_list arguments) {
    auto& message = static_cast<tiff_handle*>(self)->message_;
    if (message[0] == '\0') std::vsnprintf(message, sizeof message, format, arguments);
    return 1;  // handled: nothing is printed
  }

  static tiff_handle& self(thandle_t h) noexcept { return *static_cast<tiff_handle*>(h); }
  std::span<const std::byte> content() const noexcept {
    return output_ ? std::span<const std::byte>(*output_) : bytes_;
  }

  static tmsize_t read(thandle_t h, void* target, tmsize_t wanted) noexcept {
    const auto all = self(h).content();
    const std::size_t at = std::min(self(h).position_, all.size());
    const std::size_t n = std::min(all.size() - at, static_cast<std::size_t>(wanted));
    if (n > 0) std::memcpy(target, all.data() + at, n);
    self(h).position_ = at + n;
    return static_cast<tmsize_t>(n);
  }
  static tmsize_t write(thandle_t h, void* from, tmsize_t count) noexcept {
    if (!self(h).output_) return 0;
    auto& out = *self(h).output_;
    const std::size_t n = static_cast<std::size_t>(count);
    try {
      if (out.size() < self(h).position_ + n) out.resize(self(h).position_ + n);
    } catch (const std::bad_alloc&) {
      return 0;
    }
    if (n > 0) std::memcpy(out.data() + self(h).position_, from, n);
    self(h).position_ += n;
    return count;
  }
  static toff_t seek(thandle_t h, toff_t offset, int whence) noexcept {
    const toff_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self(h).position_ : self(h).content().size();
    self(h).position_ = base + offset;
    return self(h).position_;
  }
  static int close(thandle_t) noexcept { return 0; }
  static toff_t size(thandle_t h) noexcept { return self(h).content().size(); }

  image_source source_;
  std::span<const std::byte> bytes_;
  std::vector<std::byte>* output_ = nullptr;
  std::size_t position_ = 0;
  char message_[256]{};
  std::unique_ptr<TIFF, closer> tiff_;  // last: closing may still call back
};

}  // namespace aixcell::detail
