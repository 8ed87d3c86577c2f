#pragma once
#include <aixcell/io/detail/tiff_handle.hpp>
#include <aixcell/core/image.hpp>

namespace aixcell {

namespace detail {

/// Sets the tags of one page and writes it. `pixel_stride` is the distance of neighbouring pixels in elements.
template <class Sample>
void write_tiff_page(tiff_handle& file, const shape& page, const Sample* pixels, index_t pixel_stride) {
  TIFF* tiff = file.get();
  const index_t height = page[0], width = page[1], samples = page[2];
  const index_t row_values = width * samples;
  const index_t rows = std::max<index_t>(1, index_t{1 << 16} / (row_values * index_t{sizeof(Sample)}));
  const auto set = [&](std::uint32_t tag, auto value) { file.require(TIFFSetField(tiff, tag, value)); };
  set(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(width));
  set(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(height));
  set(TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(samples));
  set(TIFFTAG_BITSPERSAMPLE, static_cast<int>(8 * sizeof(Sample)));
  set(TIFFTAG_SAMPLEFORMAT, std::is_floating_point_v<Sample> ? SAMPLEFORMAT_IEEEFP
                            : std::is_signed_v<Sample>       ? SAMPLEFORMAT_INT
                                                             : SAMPLEFORMAT_UINT);
  set(TIFFTAG_PHOTOMETRIC, samples == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
  set(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  // No predictor: ImageJ reads deflate but ignores its predictor, and would show noise.
  set(TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
  set(TIFFTAG_ZIPQUALITY, 1);  // labels take two thirds of the time of zlib's default
  set(TIFFTAG_ROWSPERSTRIP, static_cast<std::uint32_t>(rows));
  std::vector<Sample> strip(static_cast<std::size_t>(rows * row_values));
  for (index_t row = 0, number = 0; row < height; row += rows, ++number) {
    const index_t count = std::min(rows, height - row) * width;
    for (index_t i = 0; i < count; ++i)
      for (index_t s = 0; s < samples; ++s) strip[i * samples + s] = pixels[(row * width + i) * pixel_stride + s];
    const tmsize_t bytes = count * samples * index_t{sizeof(Sample)};
    file.require(TIFFWriteEncodedStrip(tiff, static_cast<std::uint32_t>(number), strip.data(), bytes) == bytes);
  }
}

/// How ImageJ finds the channels among the pages, and the size of a pixel.
inline std::string imagej_description(index_t channels, double pixel_size_um) {
  std::string text = "ImageJ=1.53t\nimages=" + std::to_string(channels) + "\nchannels=" + std::to_string(channels) +
                     "\n" + (channels > 1 ? "hyperstack=true\nmode=composite\n" : "");
  return text + (pixel_size_um > 0 ? "unit=micron\n" : "") + "loop=false\n";
}

template <class Sample>
std::vector<std::byte> encode_tiff(view<const Sample, cpu> pixels, double pixel_size_um) {
  const shape& found = pixels.shape();
  if ((found.rank() != 2 && found.rank() != 3) || pixels.empty()) {
    throw shape_error("encode_tiff: expected pixels [H,W] or [H,W,C], found " + to_string(found));
  }
  const index_t channels = found.rank() == 3 ? found[2] : 1;
  const bool rgb = sizeof(Sample) == 1 && channels == 3;
  const index_t pages = rgb ? 1 : channels;
  std::vector<std::byte> bytes;
  {
    const bool large = pixels.size() * index_t{sizeof(Sample)} > index_t{1} << 31;
    tiff_handle file(bytes, large ? tiff_handle::layout::large : tiff_handle::layout::classic);
    for (index_t page = 0; page < pages; ++page) {
      const bool described = page == 0 && (pages > 1 || pixel_size_um > 0);
      if (described) {
        const std::string text = imagej_description(pages, pixel_size_um);
        file.require(TIFFSetField(file.get(), TIFFTAG_IMAGEDESCRIPTION, text.c_str()));
      }
      if (pixel_size_um > 0) {
        file.require(TIFFSetField(file.get(), TIFFTAG_RESOLUTIONUNIT, RESUNIT_NONE));
        file.require(TIFFSetField(file.get(), TIFFTAG_XRESOLUTION, 1 / pixel_size_um));
        file.require(TIFFSetField(file.get(), TIFFTAG_YRESOLUTION, 1 / pixel_size_um));
      }
      write_tiff_page(file, {found[0], found[1], channels / pages}, pixels.data() + page, channels);
      file.require(TIFFWriteDirectory(file.get()));
    }
    TIFFFlush(file.get());
    file.require(true);
  }
  return bytes;
}

}  // namespace detail

/// What a TIFF says beside its pixels.
struct tiff_description {
  double pixel_size_um = 0;  ///< 0: unknown
};

/// Pixels [H,W] or [H,W,C] as the bytes of a TIFF, without loss, deflate; three 8-bit channels as RGB, other channels
/// as pages that ImageJ shows as channels. Throws shape_error for other shapes.
inline std::vector<std::byte> encode_tiff(view<const std::uint8_t, cpu> pixels, const tiff_description& about = {}) {
  return detail::encode_tiff(pixels, about.pixel_size_um);
}
inline std::vector<std::byte> encode_tiff(view<const std::uint16_t, cpu> pixels, const tiff_description& about = {}) {
  return detail::encode_tiff(pixels, about.pixel_size_um);
}
inline std::vector<std::byte> encode_tiff(view<const float, cpu> pixels, const tiff_description& about = {}) {
  return detail::encode_tiff(pixels, about.pixel_size_um);
}

/// The same as a file, all or nothing. `Pixels` is a view or tensor of uint8, uint16 or float.
template <class Pixels>
void write_tiff(const std::filesystem::path& path, const Pixels& pixels, const tiff_description& about = {}) {
  write_file_atomically(path, encode_tiff(pixels, about));
}

/// Labels [H,W] as gray TIFF: 16 bits if they fit, else 32 bits, signed only where pixels are not annotated (-1).
inline void write_tiff_labels(const std::filesystem::path& path, view<const std::int32_t, cpu> labels) {
  require_rank("write_tiff_labels", 2, "labels [H,W]", labels.shape());
  if (labels.empty()) throw shape_error(path.string() + ": no labels to write, found " + to_string(labels.shape()));
  const auto [lowest, highest] = std::minmax_element(labels.begin(), labels.end());
  if (*lowest < 0 || *highest > 65535) return write_file_atomically(path, detail::encode_tiff(labels, 0));
  tensor<std::uint16_t> samples(labels.shape());
  std::copy(labels.begin(), labels.end(), samples.begin());
  write_tiff(path, samples);
}

}  // namespace aixcell
