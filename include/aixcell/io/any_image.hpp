#pragma once
#include <aixcell/io/jpeg.hpp>
#include <aixcell/io/png.hpp>
#include <aixcell/io/read_image.hpp>
#include <aixcell/io/tiff.hpp>
#include <aixcell/io/write_png.hpp>
#include <aixcell/io/write_tiff.hpp>

// All formats under one name (target aixcell::images).

namespace aixcell {

/// Every format this library reads.
using any_codec = codecs<png_codec, jpeg_codec, tiff_codec>;

/// The image in a file or in memory, as [H,W,C] in the numbers of the file; the format is told by the first bytes.
/// Throws io_error if the file is missing, damaged or no image, data_error if it is a stack (read_tiff gives single
/// slices), empty, beyond the limits or not finite.
inline image read_image(image_source from, const image_limits& limits = {}) {
  return any_codec::read(std::move(from), limits);
}

/// The image that an acquisition makes of a file: stacks projected, channels selected. Throws like the other, and
/// data_error for a stack without a projection and for channels that are not there.
inline image read_image(image_source from, const acquisition& how, const image_limits& limits = {}) {
  const std::string name = from.name();
  context<cpu> serial(1);
  const image picture = tiff_codec::recognises(from.head(16)) ? tiff_stack(std::move(from), limits).read(serial, how)
                                                              : read_image(std::move(from), limits);
  return select_channels(picture, how.channels, how.channel_names, name);
}

/// The labels in a file or in memory: gray integers, or RGB with equal channels. Throws like read_image.
inline label_map read_labels(image_source from, const image_limits& limits = {}) {
  return any_codec::read_labels(std::move(from), limits);
}

/// True for a regular file that begins like an image.
inline bool is_image_file(const std::filesystem::path& path) {
  std::error_code failure;
  return std::filesystem::is_regular_file(path, failure) && any_codec::recognises(read_file_head(path, 16));
}

/// Labels [H,W] as .png (16 bits, up to 65535 objects) or .tif/.tiff, all or nothing. Throws data_error for labels
/// that do not fit, io_error for another extension.
inline void write_labels(const std::filesystem::path& path, view<const std::int32_t, cpu> labels) {
  const std::filesystem::path extension = path.extension();
  if (extension == ".png") return write_png_labels(path, labels);
  if (extension == ".tif" || extension == ".tiff") return write_tiff_labels(path, labels);
  throw io_error(path.string() + ": labels are written as .png, .tif or .tiff, found \"" + extension.string() + "\"");
}

}  // namespace aixcell
