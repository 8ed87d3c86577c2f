#pragma once
#include <aixcell/io/png.hpp>
#include <aixcell/io/read_image.hpp>

namespace aixcell {

/// Every format this library reads.
using any_codec = codecs<png_codec>;

/// The image in a file or in memory, as [H,W,C] in the numbers of the file; the format is told by the first bytes.
/// Throws io_error if it is missing, damaged or no image, data_error if it is empty, beyond the limits or not finite.
inline image read_image(image_source from, const image_limits& limits = {}) {
  return any_codec::read(std::move(from), limits);
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

}  // namespace aixcell
