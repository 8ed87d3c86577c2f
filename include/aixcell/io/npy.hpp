#pragma once
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <aixcell/core/tensor.hpp>
#include <aixcell/io/file.hpp>

// Arrays of float32 in NumPy's format (numpy.lib.format, versions 1 to 3): the bytes 0x93 "NUMPY", a version, the length of
// the header, the header as the text of a Python dictionary {'descr', 'fortran_order', 'shape'}, padded so that the
// elements begin at a multiple of 64; then the elements, row-major and little-endian.

namespace aixcell {

namespace detail {

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// Reads the header's dictionary; every failure names the file.
class npy_header {
 public:
  npy_header(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  shape read() {
    shape extents;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!next_is('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        if (const std::string_view type = quoted(); type != "<f4")
          refuse("expected elements '<f4' (float32), found '" + std::string(type) + "'; save it as float32");
        has_type = true;
      } else if (key == "fortran_order") {
        if (!word("False")) refuse("expected row-major elements; save numpy.ascontiguousarray of it");
        has_order = true;
      } else if (key == "shape") {
        extents = tuple();
        has_shape = true;
      } else {
        refuse("unknown key '" + std::string(key.substr(0, 40)) + "' in the header");
      }
      if (!next_is(',')) {
        expect('}');
        break;
      }
    }
    if (!has_type || !has_order || !has_shape) refuse("the header lacks descr, fortran_order or shape");
    return extents;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw io_error(file_ + ": " + why); }

  void skip_blanks() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool next_is(char c) {
    skip_blanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!next_is(c)) refuse("damaged header of a .npy file, expected '" + std::string(1, c) + "'");
  }
  bool word(std::string_view w) {
    skip_blanks();
    if (!rest_.starts_with(w)) return false;
    rest_.remove_prefix(w.size());
    return true;
  }
  std::string_view quoted() {
    skip_blanks();
    const char mark = rest_.empty() ? ' ' : rest_[0];
    const std::size_t end = mark == '\'' || mark == '"' ? rest_.find(mark, 1) : std::string_view::npos;
    if (end == std::string_view::npos) refuse("damaged header of a .npy file, expected a quoted name");
    const std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return text;
  }
  index_t extent() {
    index_t value = 0;
    int digits = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1), ++digits)
      if ((value = 10 * value + (rest_[0] - '0')) > index_t{1} << 40) refuse("a shape beyond any memory");
    if (digits == 0) refuse("damaged header of a .npy file, expected a shape of whole numbers");
    return value;
  }
  shape tuple() {
    std::vector<index_t> extents;
    expect('(');
    while (!next_is(')')) {
      skip_blanks();
      extents.push_back(extent());
      if (!next_is(',')) {
        expect(')');
        break;
      }
    }
    switch (extents.size()) {
      case 1:
        return {extents[0]};
      case 2:
        return {extents[0], extents[1]};
      case 3:
        return {extents[0], extents[1], extents[2]};
      case 4:
        return {extents[0], extents[1], extents[2], extents[3]};
      default:
        refuse("expected 1 to 4 dimensions, found " + std::to_string(extents.size()));
    }
  }

  std::string_view rest_;
  const std::string& file_;
};

}  // namespace detail

/// The bytes of a .npy file of up to four dimensions.
inline std::string encode_npy(view<const float, cpu> values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (int i = 0; i < values.shape().rank(); ++i) header += (i ? ", " : "") + std::to_string(values.extent(i));
  header += values.shape().rank() == 1 ? ",), }" : "), }";
  constexpr std::size_t before = 10;  // magic, version, length
  header.append((64 - (before + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string bytes(detail::npy_magic);
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), static_cast<std::size_t>(values.size()) * sizeof(float));
  return bytes;
}

/// The array in the bytes of a .npy file; `file` stands in messages. Throws io_error if they are damaged or hold anything
/// but float32, row-major, of 1 to 4 dimensions.
inline tensor<float> decode_npy(std::string_view bytes, const std::string& file) {
  const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
  if (!bytes.starts_with(detail::npy_magic) || bytes.size() < 12 || byte(6) < 1 || byte(6) > 3)
    throw io_error(file + ": is not a .npy file of version 1 to 3");
  const bool short_length = byte(6) == 1;
  const std::size_t begin = short_length ? 10 : 12;
  const std::size_t length = byte(8) | byte(9) << 8 | (short_length ? 0 : byte(10) << 16 | byte(11) << 24);
  if (length > bytes.size() - begin) throw io_error(file + ": is shorter than its header says; copy it again");
  const shape extents = detail::npy_header(bytes.substr(begin, length), file).read();
  const std::string_view elements = bytes.substr(begin + length);
  std::size_t count = 1;  // extents are at most 2^40 each: check before every product
  for (int i = 0; i < extents.rank(); ++i) {
    const auto extent = static_cast<std::size_t>(extents[i]);
    if (extent > 0 && count > std::numeric_limits<std::size_t>::max() / sizeof(float) / extent)
      throw io_error(file + ": a shape beyond any memory");
    count *= extent;
  }
  if (elements.size() != count * sizeof(float))
    throw io_error(file + ": expected " + std::to_string(count * sizeof(float)) + " bytes for shape " +
                   to_string(extents) + ", found " + std::to_string(elements.size()) + "; copy the file again");
  tensor<float> values(extents);
  if (count > 0) std::memcpy(values.data(), elements.data(), elements.size());
  return values;
}

/// The same as files. write_npy is all or nothing; both throw io_error, with the file's name.
inline void write_npy(const std::filesystem::path& path, view<const float, cpu> values) {
  write_file_atomically(path, encode_npy(values));
}
inline tensor<float> read_npy(const std::filesystem::path& path) {
  return decode_npy(read_text_file(path), path.string());
}

}  // namespace aixcell
