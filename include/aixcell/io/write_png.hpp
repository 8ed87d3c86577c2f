#pragma once
#include <cstdlib>

#include <aixcell/io/detail/zlib_stream.hpp>
#include <aixcell/io/png.hpp>

namespace aixcell {

namespace detail {

inline void append_big_endian_32(std::vector<std::byte>& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(value >> shift));
}

inline void append_png_chunk(std::vector<std::byte>& png, std::string_view type, std::span<const std::byte> body) {
  append_big_endian_32(png, static_cast<std::uint32_t>(body.size()));
  const std::size_t begin = png.size();
  for (const char c : type) png.push_back(static_cast<std::byte>(c));
  png.insert(png.end(), body.begin(), body.end());
  append_big_endian_32(png, crc_32(std::span(png).subspan(begin)));
}

/// The filter's number and the filtered row: 0 as it is, 1 minus the left pixel, 2 minus the pixel above (PNG
/// specification, 9.2). The filter with the smallest sum of absolute differences wins, as in libpng: labels have long
/// runs, of which `above` makes zeros. `to` has one byte more than the rows.
inline void filter_row(std::span<const std::uint8_t> row, std::span<const std::uint8_t> above, std::size_t pixel_bytes,
                       std::byte* to) {
  const std::uint8_t *here = row.data(), *up = above.data();
  const std::size_t count = row.size();
  const auto size_of = [](int difference) { return std::abs(static_cast<int>(static_cast<std::int8_t>(difference))); };
  long plain = 0, left = 0, vertical = 0;
  for (std::size_t i = 0; i < pixel_bytes; ++i) left += size_of(here[i]);
#pragma omp simd reduction(+ : plain, vertical)
  for (std::size_t i = 0; i < count; ++i) plain += size_of(here[i]), vertical += size_of(here[i] - up[i]);
#pragma omp simd reduction(+ : left)
  for (std::size_t i = pixel_bytes; i < count; ++i) left += size_of(here[i] - here[i - pixel_bytes]);
  const int best = plain <= std::min(left, vertical) ? 0 : left <= vertical ? 1 : 2;
  *to++ = static_cast<std::byte>(best);
  for (std::size_t i = 0; i < count; ++i) {
    const int before = best == 0 ? 0 : best == 2 ? up[i] : i >= pixel_bytes ? here[i - pixel_bytes] : 0;
    to[i] = static_cast<std::byte>(here[i] - before);
  }
}

template <class Sample>
std::vector<std::byte> encode_png(const context<cpu>& ctx, view<const Sample, cpu> pixels) {
  const shape& found = pixels.shape();
  const index_t channels = found.rank() == 3 ? found[2] : 1;
  if ((found.rank() != 2 && found.rank() != 3) || (channels != 1 && channels != 3) || pixels.empty()) {
    throw shape_error("encode_png: expected pixels [H,W], [H,W,1] or [H,W,3], found " + to_string(found));
  }
  const auto pixel_bytes = static_cast<std::size_t>(channels) * sizeof(Sample);
  const std::size_t row_bytes = static_cast<std::size_t>(found[1]) * pixel_bytes;
  if ((row_bytes + 1) > (std::size_t{1} << 30) / static_cast<std::size_t>(found[0])) {
    throw shape_error("encode_png: " + to_string(found) + " is more than the 1 GiB a PNG may hold here; write a .tif");
  }

  std::vector<std::byte> filtered((row_bytes + 1) * static_cast<std::size_t>(found[0]));
  parallel_ranges(ctx, found[0], 64, [&](index_t begin, index_t end) {
    std::vector<std::uint8_t> above(row_bytes, 0), row(row_bytes);
    const auto read_row = [&](index_t y, std::vector<std::uint8_t>& to) {
      const Sample* samples = pixels.data() + y * found[1] * channels;
      for (std::size_t i = 0; i < row_bytes / sizeof(Sample); ++i) {
        if constexpr (sizeof(Sample) == 1) {
          to[i] = samples[i];
        } else {
          to[2 * i] = static_cast<std::uint8_t>(samples[i] >> 8);
          to[2 * i + 1] = static_cast<std::uint8_t>(samples[i] & 255);
        }
      }
    };
    if (begin > 0) read_row(begin - 1, above);
    for (index_t y = begin; y < end; ++y) {
      read_row(y, row);
      filter_row(row, above, pixel_bytes, filtered.data() + static_cast<std::size_t>(y) * (row_bytes + 1));
      row.swap(above);
    }
  });

  std::vector<std::byte> png;
  for (const char c : png_magic) png.push_back(static_cast<std::byte>(c));
  std::vector<std::byte> header;
  append_big_endian_32(header, static_cast<std::uint32_t>(found[1]));
  append_big_endian_32(header, static_cast<std::uint32_t>(found[0]));
  const int colour = channels == 3 ? 2 : 0;
  for (const int value : {static_cast<int>(8 * sizeof(Sample)), colour, 0, 0, 0}) {
    header.push_back(static_cast<std::byte>(value));
  }
  append_png_chunk(png, "IHDR", header);
  append_png_chunk(png, "IDAT", zlib_stream(ctx, filtered));
  append_png_chunk(png, "IEND", {});
  return png;
}

}  // namespace detail

/// Pixels [H,W], [H,W,1] or [H,W,3] (red, green, blue) as the bytes of a PNG, without loss, of 8 or 16 bits per
/// channel. Throws shape_error for other shapes. Same bytes for any number of threads.
inline std::vector<std::byte> encode_png(const context<cpu>& ctx, view<const std::uint8_t, cpu> pixels) {
  return detail::encode_png(ctx, pixels);
}
inline std::vector<std::byte> encode_png(const context<cpu>& ctx, view<const std::uint16_t, cpu> pixels) {
  return detail::encode_png(ctx, pixels);
}
inline std::vector<std::byte> encode_png(view<const std::uint8_t, cpu> pixels) {
  return encode_png(context<cpu>(1), pixels);
}
inline std::vector<std::byte> encode_png(view<const std::uint16_t, cpu> pixels) {
  return encode_png(context<cpu>(1), pixels);
}

/// The same as a file, all or nothing. Throws io_error if it cannot be written.
inline void write_png(const context<cpu>& ctx, const std::filesystem::path& path,
                      view<const std::uint8_t, cpu> pixels) {
  write_file_atomically(path, encode_png(ctx, pixels));
}
inline void write_png(const std::filesystem::path& path, view<const std::uint8_t, cpu> pixels) {
  write_file_atomically(path, encode_png(pixels));
}
inline void write_png(const std::filesystem::path& path, view<const std::uint16_t, cpu> pixels) {
  write_file_atomically(path, encode_png(pixels));
}

/// Labels [H,W] as 16-bit gray PNG. Throws data_error if one is negative or above 65535: only TIFF holds those.
inline void write_png_labels(const std::filesystem::path& path, view<const std::int32_t, cpu> labels) {
  require_rank("write_png_labels", 2, "labels [H,W]", labels.shape());
  tensor<std::uint16_t> samples(labels.shape());
  for (index_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] > 65535) {
      throw data_error(path.string() + ": label " + std::to_string(labels[i]) +
                       " does not fit into a PNG (expected 0..65535); write a .tif");
    }
    samples[i] = static_cast<std::uint16_t>(labels[i]);
  }
  write_png(path, view<const std::uint16_t, cpu>(samples));
}

}  // namespace aixcell
