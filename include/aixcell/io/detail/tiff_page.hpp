#pragma once
#include <limits>
#include <type_traits>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/io/detail/tiff_handle.hpp>

namespace aixcell::detail {

/// The layout of one page.
struct tiff_page {
  index_t height = 0, width = 0;
  index_t samples = 1;       ///< per pixel, with transparency
  index_t transparency = 0;  ///< samples at the end that say how opaque a pixel is
  int bits = 1, sample_format = SAMPLEFORMAT_UINT;
  int photometric = PHOTOMETRIC_MINISBLACK;
  bool separate = false;  ///< a plane for each sample, instead of pixel after pixel

  index_t channels() const { return samples - transparency; }
  /// Bytes of `count` values side by side; values of one bit are packed.
  index_t bytes_of(index_t count) const { return (count * bits + 7) / 8; }
};

[[noreturn]] inline void throw_unsupported_tiff(const image_source& from, std::string_view what,
                                                std::string_view cure) {
  throw io_error(from.name() + ": TIFF with " + std::string(what) + " is not read; " + std::string(cure));
}

/// Reads the tags of the current page and refuses what cannot be decoded to numbers.
inline tiff_page describe_tiff_page(tiff_handle& file) {
  TIFF* tiff = file.get();
  std::uint32_t height = 0, width = 0;
  std::uint16_t samples = 1, bits = 1, format = SAMPLEFORMAT_UINT, planar = PLANARCONFIG_CONTIG, compression = 1;
  std::uint16_t photometric = PHOTOMETRIC_MINISBLACK, extra_count = 0;
  const std::uint16_t* extra = nullptr;
  const bool sized = TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) && TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  if (!sized) throw_damaged(file.source(), "TIFF", "a page without size");
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  if (!TIFFIsCODECConfigured(compression)) {
    throw_unsupported_tiff(file.source(), "compression " + std::to_string(compression),
                           "save it uncompressed or with LZW or deflate");
  }
  switch (photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_MASK:
      break;
    case PHOTOMETRIC_YCBCR:
      if (compression == COMPRESSION_JPEG) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        break;
      }
      [[fallthrough]];
    default:
      throw_unsupported_tiff(file.source(), photometric == PHOTOMETRIC_PALETTE ? "a colour palette" : "print colours",
                             "save it as gray (ImageJ: Image > Lookup Tables > Grays) or as RGB");
  }
  if (format == SAMPLEFORMAT_VOID) format = SAMPLEFORMAT_UINT;
  const bool integers =
      (format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_INT) && (bits == 8 || bits == 16 || bits == 32);
  const bool bilevel = format == SAMPLEFORMAT_UINT && bits == 1 && samples == 1;
  const bool fractions = format == SAMPLEFORMAT_IEEEFP && (bits == 32 || bits == 64);
  if (!integers && !bilevel && !fractions) {
    throw_unsupported_tiff(file.source(), std::to_string(bits) + "-bit samples of format " + std::to_string(format),
                           "save it with 8, 16 or 32 bits or as 32-bit float");
  }
  if (photometric == PHOTOMETRIC_MINISWHITE && format != SAMPLEFORMAT_UINT) {
    throw_unsupported_tiff(file.source(), "an inverted lookup table on signed or float samples",
                           "invert the lookup table and save again");
  }
  tiff_page page{.height = height,
                 .width = width,
                 .samples = samples,
                 .bits = bits,
                 .sample_format = format,
                 .photometric = photometric,
                 .separate = planar == PLANARCONFIG_SEPARATE};
  for (int i = extra_count - 1; i >= 0 && page.channels() > 1; --i) {
    if (extra[i] != EXTRASAMPLE_ASSOCALPHA && extra[i] != EXTRASAMPLE_UNASSALPHA) break;
    ++page.transparency;
  }
  if (page.height < 1 || page.width < 1 || page.samples < 1) throw_damaged(file.source(), "TIFF", "a page of no size");
  file.require(true);
  return page;
}

/// One decoded strip or tile: rows [row, row + height), columns [column, column + width), and which samples.
struct tiff_block {
  index_t row, column, height, width;
  index_t first_sample, samples;  ///< all of a pixel, or one plane
  index_t row_bytes;
  const std::byte* bytes;
};

/// Calls use(block) for each strip or tile of the current page.
template <class Function>
void for_each_tiff_block(tiff_handle& file, const tiff_page& page, Function&& use) {
  TIFF* tiff = file.get();
  const bool tiled = TIFFIsTiled(tiff);
  const index_t samples = page.separate ? 1 : page.samples;
  std::uint32_t block_height = 0, block_width = static_cast<std::uint32_t>(page.width);
  if (tiled) {
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &block_height);
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &block_width);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &block_height);
    block_height = std::min(block_height, static_cast<std::uint32_t>(page.height));
  }
  // Bytes of a block. A strip may be the whole image, which was checked; a tile of a small image may claim any size.
  const index_t most = index_t{1} << (tiled ? 28 : 33);
  if (block_height == 0 || block_width == 0 || index_t{block_width} * samples > most ||
      page.bytes_of(index_t{block_width} * samples) > most / index_t{block_height}) {
    throw_damaged(file.source(), "TIFF", "strips or tiles of impossible size");
  }
  const index_t row_bytes = page.bytes_of(index_t{block_width} * samples);
  std::vector<std::byte> buffer(static_cast<std::size_t>(row_bytes * index_t{block_height}));
  std::uint32_t number = 0;
  for (index_t plane = 0; plane < page.samples; plane += samples) {
    for (index_t row = 0; row < page.height; row += block_height) {
      for (index_t column = 0; column < page.width; column += block_width) {
        const index_t rows = std::min(index_t{block_height}, page.height - row);
        const tmsize_t expected = row_bytes * (tiled ? index_t{block_height} : rows);
        const tmsize_t found = tiled ? TIFFReadEncodedTile(tiff, number, buffer.data(), expected)
                                     : TIFFReadEncodedStrip(tiff, number, buffer.data(), expected);
        ++number;
        file.require(found == expected);
        use(tiff_block{row, column, rows, std::min(index_t{block_width}, page.width - column), plane, samples,
                       row_bytes, buffer.data()});
      }
    }
  }
}

/// Decodes the current page into `out`, whose pixels are `pixel_stride` elements apart; transparency is dropped.
template <class Out>
void read_tiff_page(tiff_handle& file, const tiff_page& page, Out* out, index_t pixel_stride) {
  const auto convert = [&]<class Sample>(Sample) {
    for_each_tiff_block(file, page, [&](const tiff_block& block) {
      for (index_t y = 0; y < block.height; ++y) {
        const std::byte* source = block.bytes + y * block.row_bytes;
        Out* target = out + ((block.row + y) * page.width + block.column) * pixel_stride;
        for (index_t x = 0; x < block.width; ++x) {
          for (index_t s = 0; s < block.samples && block.first_sample + s < page.channels(); ++s) {
            Sample value;
            const index_t i = x * block.samples + s;
            if constexpr (std::is_same_v<Sample, bool>) {
              value = (std::to_integer<int>(source[i / 8]) >> (7 - i % 8) & 1) != 0;
            } else {
              std::memcpy(&value, source + i * index_t{sizeof value}, sizeof value);
            }
            if constexpr (std::is_unsigned_v<Sample>) {
              if (page.photometric == PHOTOMETRIC_MINISWHITE) {
                value = static_cast<Sample>(std::numeric_limits<Sample>::max() - value);
              }
            }
            target[x * pixel_stride + block.first_sample + s] = static_cast<Out>(value);
          }
        }
      }
    });
  };
  const bool is_signed = page.sample_format == SAMPLEFORMAT_INT;
  if (page.sample_format == SAMPLEFORMAT_IEEEFP) return page.bits == 32 ? convert(float{}) : convert(double{});
  if (page.bits == 1) return convert(bool{});
  if (page.bits == 8) return is_signed ? convert(std::int8_t{}) : convert(std::uint8_t{});
  if (page.bits == 16) return is_signed ? convert(std::int16_t{}) : convert(std::uint16_t{});
  return is_signed ? convert(std::int32_t{}) : convert(std::uint32_t{});
}

}  // namespace aixcell::detail
