#pragma once
#include <zlib.h>

#include <array>

#include <aixcell/io/detail/stb.hpp>
#include <aixcell/io/image_limits.hpp>
#include <aixcell/io/image_source.hpp>

// PNG and BMP through stb_image (target aixcell::png), PNG writing by an encoder of our own: stb's knows only 8 bits.

namespace aixcell {

namespace detail {

inline constexpr std::string_view png_magic{"\x89PNG\r\n\x1a\n", 8};

/// CRC-32 of PNG and zlib (ISO 3309).
inline std::uint32_t crc_32(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

/// What the header of a PNG or BMP says, known before anything is decoded.
struct stb_header {
  index_t height = 0, width = 0;
  int bits = 8;       ///< of a sample in the file
  bool gray = false;  ///< one channel, or a palette of grays
  bool palette = false;
};

/// True if every colour of a palette is gray. Entries are `stride` bytes, the first three are colours.
inline bool is_gray_palette(std::span<const std::byte> entries, std::size_t stride) {
  for (; entries.size() >= stride; entries = entries.subspan(stride)) {
    if (entries[0] != entries[1] || entries[1] != entries[2]) return false;
  }
  return true;
}

/// Walks all chunks and their checksums, which stb_image does not: a damaged file is an error, never a wrong image.
inline stb_header check_png(const image_source& from, std::span<const std::byte> file) {
  stb_header header;
  bool header_seen = false;
  for (std::size_t at = png_magic.size();;) {
    if (file.size() - at < 12) throw_damaged(from, "PNG", "it ends after " + std::to_string(file.size()) + " bytes");
    const std::size_t length = big_endian_32(&file[at]);
    const std::string_view type(reinterpret_cast<const char*>(&file[at + 4]), 4);
    if (length > file.size() - at - 12) {
      throw_damaged(from, "PNG", "it ends after " + std::to_string(file.size()) + " bytes");
    }
    const auto body = file.subspan(at + 8, length);
    if (crc_32(file.subspan(at + 4, length + 4)) != big_endian_32(&file[at + 8 + length])) {
      throw_damaged(from, "PNG", "wrong checksum at byte " + std::to_string(at));
    }
    if (!header_seen) {
      if (type != "IHDR" || length != 13) throw_damaged(from, "PNG", "no header");
      header_seen = true;
      header.width = big_endian_32(&body[0]);
      header.height = big_endian_32(&body[4]);
      header.bits = std::to_integer<int>(body[8]);
      const int colour = std::to_integer<int>(body[9]);
      header.gray = colour == 0 || colour == 4;
      header.palette = colour == 3;
    } else if (type == "PLTE" && header.palette) {
      header.gray = is_gray_palette(body, 3);
    } else if (type == "IEND") {
      return header;
    }
    at += length + 12;
  }
}

/// Checks that all rows are there: stb_image reads zeros behind the end.
inline stb_header check_bmp(const image_source& from, std::span<const std::byte> file) {
  if (file.size() < 54) throw_damaged(from, "BMP", "it ends after " + std::to_string(file.size()) + " bytes");
  const std::size_t pixels_at = little_endian_32(&file[10]), header_size = little_endian_32(&file[14]);
  if (header_size < 40 || header_size > 124) {
    throw io_error(from.name() + ": BMP of a kind that is not read (header of " + std::to_string(header_size) +
                   " bytes); save it as PNG or TIFF");
  }
  stb_header header;
  header.width = static_cast<std::int32_t>(little_endian_32(&file[18]));
  header.height = static_cast<std::int32_t>(little_endian_32(&file[22]));
  header.height = header.height < 0 ? -header.height : header.height;  // negative: stored from the top
  const std::size_t bits = little_endian_32(&file[28]) & 0xffff;
  header.palette = bits <= 8;
  if (header.width < 0 || bits > 32) throw_damaged(from, "BMP", "impossible header");
  const std::size_t row = (static_cast<std::size_t>(header.width) * bits + 31) / 32 * 4;
  const std::size_t pixels = row * static_cast<std::size_t>(header.height);
  if (pixels_at < 14 + header_size || pixels_at > file.size() || pixels > file.size() - pixels_at) {
    throw_damaged(from, "BMP",
                  "expected " + std::to_string(pixels_at + pixels) + " bytes, found " + std::to_string(file.size()));
  }
  if (header.palette) {
    header.gray = is_gray_palette(file.subspan(14 + header_size, pixels_at - 14 - header_size), 4);
  }
  return header;
}

/// [H,W,C] with C = 1 or 3, in the numbers of the file.
struct png_samples {
  stb_header header;
  tensor<std::uint16_t> values;
};

inline png_samples read_png_samples(image_source from, const image_limits& limits) {
  const auto file = from.bytes();
  if (file.empty()) throw io_error(from.name() + ": the file is empty, expected a PNG or BMP image");
  const bool is_png = begins_with(file, png_magic);
  if (!is_png && !begins_with(file, "BM")) throw io_error(from.name() + ": expected a PNG or BMP image, found neither");
  png_samples samples{is_png ? check_png(from, file) : check_bmp(from, file), {}};
  const stb_header& header = samples.header;
  const index_t channels = header.gray ? 1 : 3;
  check_image_size(from.name(), limits, {header.height, header.width, channels});
  if (file.size() > std::size_t{1} << 30) throw io_error(from.name() + ": PNG of more than 1 GiB; save it as TIFF");

  const stb_pixels decoded = stb_decode(file, header.bits == 16 ? 16 : 8);
  if (!decoded.data) throw_damaged(from, is_png ? "PNG" : "BMP", decoded.failure ? decoded.failure : "out of memory");
  // stb stretches gray samples of 1, 2 and 4 bits to 0..255.
  const int stretch = is_png && header.gray && !header.palette && header.bits < 8 ? 255 / ((1 << header.bits) - 1) : 1;
  samples.values = tensor<std::uint16_t>({decoded.height, decoded.width, channels});
  const auto copy = [&](const auto* source) {
    const index_t pixels = index_t{decoded.height} * decoded.width;
    for (index_t i = 0; i < pixels; ++i) {
      for (index_t c = 0; c < channels;
           ++c) {  // behind these may follow alpha, or the equal channels of a gray palette
        samples.values[i * channels + c] = static_cast<std::uint16_t>(source[i * decoded.channels + c] / stretch);
      }
    }
  };
  header.bits == 16 ? copy(static_cast<const std::uint16_t*>(decoded.data.get()))
                    : copy(static_cast<const std::uint8_t*>(decoded.data.get()));
  return samples;
}

}  // namespace detail

/// A PNG of 1 to 16 bits or an uncompressed BMP as [H,W,1] or [H,W,3], 0..255 or 0..65535 as in the file (fewer bits:
/// 0..2^bits-1). Transparency is dropped, palettes become colours (or gray, if all their colours are gray).
/// Throws io_error for a damaged or other file, data_error for one beyond the limits.
inline image read_png(image_source from, const image_limits& limits = {}) {
  const auto samples = detail::read_png_samples(std::move(from), limits);
  image result;
  result.pixels = tensor<float>(samples.values.shape());
  std::copy(samples.values.begin(), samples.values.end(), result.pixels.begin());
  return result;
}

/// A gray PNG or BMP as labels; RGB is accepted if its channels are equal. Throws like read_png, and data_error if the
/// channels differ or colours of a palette would have to be taken for labels.
inline label_map read_png_labels(image_source from, const image_limits& limits = {}) {
  const auto samples = detail::read_png_samples(from, limits);
  if (samples.header.palette && !samples.header.gray) {
    throw data_error(from.name() +
                     ": expected a gray label image, found a colour palette; save the labels as 16-bit "
                     "gray PNG or 32-bit gray TIFF");
  }
  return detail::labels_from_samples<std::uint16_t>(from.name(), samples.values);
}

/// The entry of `codecs` (io/read_image.hpp).
struct png_codec {
  static constexpr std::string_view name = "PNG or BMP";
  static bool recognises(std::span<const std::byte> head) {
    return detail::begins_with(head, detail::png_magic) || detail::begins_with(head, "BM");
  }
  static image read(image_source from, const image_limits& limits) { return read_png(std::move(from), limits); }
  static label_map read_labels(image_source from, const image_limits& limits) {
    return read_png_labels(std::move(from), limits);
  }
};

}  // namespace aixcell
