#pragma once
#include <csetjmp>
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>
#include <jerror.h>

#include <aixcell/io/image_limits.hpp>
#include <aixcell/io/image_source.hpp>

// JPEG through libjpeg-turbo (target aixcell::jpeg).

namespace aixcell {

namespace detail {

/// libjpeg reports errors by longjmp, which must not jump over a destructor. So the two functions that can be jumped
/// out of hold plain values only; everything they use lives in this struct, owned by the caller.
class jpeg_decoder {
 public:
  explicit jpeg_decoder(std::span<const std::byte> file) {
    decoder_.err = jpeg_std_error(&errors_);
    decoder_.client_data = this;
    errors_.error_exit = [](j_common_ptr common) {
      auto& self = *static_cast<jpeg_decoder*>(common->client_data);
      common->err->format_message(common, self.message_);
      std::longjmp(self.jump_, 1);
    };
    // Warnings are what libjpeg repairs: it paints over what is missing. A measurement must not be invented.
    errors_.emit_message = [](j_common_ptr common, int level) {
      const int code = common->err->msg_code;
      const bool harmless =
          code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM || code == JWRN_BOGUS_ICC;
      if (level < 0 && !harmless) common->err->error_exit(common);
    };
    // A progressive file may ask for thousands of passes over the image.
    progress_.progress_monitor = [](j_common_ptr common) {
      constexpr int most_scans = 200;
      if (!common->is_decompressor || reinterpret_cast<j_decompress_ptr>(common)->input_scan_number <= most_scans)
        return;
      auto& self = *static_cast<jpeg_decoder*>(common->client_data);
      std::snprintf(self.message_, sizeof self.message_, "more than %d scans", most_scans);
      std::longjmp(self.jump_, 1);
    };
    data_ = reinterpret_cast<const unsigned char*>(file.data());
    size_ = static_cast<unsigned long>(file.size());
  }
  jpeg_decoder(const jpeg_decoder&) = delete;
  jpeg_decoder& operator=(const jpeg_decoder&) = delete;
  ~jpeg_decoder() { jpeg_destroy_decompress(&decoder_); }

  /// Size and kind of the image; false on an error.
  bool read_header() noexcept {
    if (setjmp(jump_)) return false;
    jpeg_create_decompress(&decoder_);
    decoder_.progress = &progress_;
    jpeg_mem_src(&decoder_, data_, size_);
    jpeg_read_header(&decoder_, TRUE);
    return true;
  }

  /// All rows, [height,width,channels] bytes; false on an error.
  bool read_rows(unsigned char* pixels) noexcept {
    if (setjmp(jump_)) return false;
    decoder_.out_color_space = is_gray() ? JCS_GRAYSCALE : JCS_RGB;
    // The accurate transform, so that all machines decode to the same numbers.
    decoder_.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&decoder_);
    while (decoder_.output_scanline < decoder_.output_height) {
      JSAMPROW row = pixels + std::size_t{decoder_.output_scanline} * decoder_.output_width *
                                  static_cast<std::size_t>(decoder_.output_components);
      jpeg_read_scanlines(&decoder_, &row, 1);
    }
    jpeg_finish_decompress(&decoder_);
    return true;
  }

  index_t height() const { return decoder_.image_height; }
  index_t width() const { return decoder_.image_width; }
  bool is_gray() const { return decoder_.jpeg_color_space == JCS_GRAYSCALE; }
  bool is_rgb() const { return decoder_.jpeg_color_space == JCS_RGB || decoder_.jpeg_color_space == JCS_YCbCr; }
  const char* message() const { return message_; }

 private:
  jpeg_decompress_struct decoder_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf jump_{};
  char message_[JMSG_LENGTH_MAX]{};
  const unsigned char* data_ = nullptr;
  unsigned long size_ = 0;
};

inline constexpr std::string_view jpeg_magic = "\xFF\xD8\xFF";

}  // namespace detail

/// A gray or colour JPEG as [H,W,1] or [H,W,3], 0..255; colours become RGB, the orientation noted by a camera is not
/// applied. Throws io_error for a damaged, incomplete or other file (also where libjpeg would paint over the damage),
/// data_error for one beyond the limits.
inline image read_jpeg(image_source from, const image_limits& limits = {}) {
  const auto file = from.bytes();
  if (!detail::begins_with(file, detail::jpeg_magic)) throw io_error(from.name() + ": expected a JPEG, found none");
  detail::jpeg_decoder decoder(file);
  if (!decoder.read_header()) detail::throw_damaged(from, "JPEG", decoder.message());
  if (!decoder.is_gray() && !decoder.is_rgb()) {
    throw io_error(from.name() +
                   ": JPEG in CMYK or another print colour space, expected gray or RGB; convert it to RGB");
  }
  const shape extents{decoder.height(), decoder.width(), decoder.is_gray() ? 1 : 3};
  detail::check_image_size(from.name(), limits, extents);
  std::vector<unsigned char> pixels(static_cast<std::size_t>(extents.count()));
  if (!decoder.read_rows(pixels.data())) detail::throw_damaged(from, "JPEG", decoder.message());
  image result;
  result.pixels = tensor<float>(extents);
  std::copy(pixels.begin(), pixels.end(), result.pixels.begin());
  return result;
}

/// The entry of `codecs` (io/read_image.hpp).
struct jpeg_codec {
  static constexpr std::string_view name = "JPEG";
  static bool recognises(std::span<const std::byte> head) { return detail::begins_with(head, detail::jpeg_magic); }
  static image read(image_source from, const image_limits& limits) { return read_jpeg(std::move(from), limits); }
  static label_map read_labels(image_source from, const image_limits&) {
    throw data_error(from.name() +
                     ": JPEG changes pixel values and cannot hold labels; export them as 16-bit gray PNG "
                     "or 32-bit gray TIFF");
  }
};

}  // namespace aixcell
