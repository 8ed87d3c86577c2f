#pragma once
#include <aixcell/io/image_limits.hpp>
#include <aixcell/io/image_source.hpp>

namespace aixcell {

/// Reads every format of the list; which one a file has is decided by its first bytes, never by its extension.
/// `codecs<png_codec>` needs only stb, `any_codec` (io/any_image.hpp) knows all formats.
template <class... Codec>
struct codecs {
  /// True if the first bytes are those of a format in the list.
  static bool recognises(std::span<const std::byte> head) { return (Codec::recognises(head) || ...); }

  /// Throws io_error (missing, damaged, no image) or data_error (unusable content), naming the file.
  static image read(image_source from, const image_limits& limits = {}) {
    return with_codec(from, [&]<class C>(C) { return C::read(from, limits); });
  }

  static label_map read_labels(image_source from, const image_limits& limits = {}) {
    return with_codec(from, [&]<class C>(C) { return C::read_labels(from, limits); });
  }

 private:
  template <class Function>
  static auto with_codec(const image_source& from, Function&& f) {
    decltype((f(Codec{}), ...)) result;
    const auto head = from.head(16);
    if (head.empty()) throw io_error(from.name() + ": the file is empty, expected an image");
    const auto use = [&]<class C>(C codec) {
      if (!C::recognises(head)) return false;
      result = f(codec);
      return true;
    };
    if (!(use(Codec{}) || ...)) throw io_error(from.name() + ": not an image; expected one of" + names());
    return result;
  }

  static std::string names() {
    std::string all;
    ((all += (all.empty() ? " " : ", ") + std::string(Codec::name)), ...);
    return all;
  }
};

}  // namespace aixcell
