#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <aixcell/core/tensor.hpp>
#include <aixcell/io/file.hpp>

// Model files in the safetensors format (huggingface/safetensors, format description in its README): 8 bytes length of
// the header, little-endian; the header, a JSON object name -> {dtype, shape, data_offsets} with strings under
// __metadata__; then the elements, one tensor after the other, row-major, little-endian, no holes, no overlaps.
// Reading executes nothing and trusts nothing. Target aixcell::json.

namespace aixcell {

/// The name safetensors gives to an element type, and its size.
struct element_type {
  std::string_view name;
  std::size_t bytes;
  friend bool operator==(const element_type&, const element_type&) = default;
};

inline constexpr element_type element_types[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I8", 1},
                                                 {"I16", 2}, {"I32", 4}, {"I64", 8}, {"U8", 1},   {"U16", 2},
                                                 {"U32", 4}, {"U64", 8}, {"BOOL", 1}};

/// The element type of a C++ type: `element_type_of<float>` is F32.
template <class T>
inline constexpr element_type element_type_of = [] {
  if constexpr (std::is_same_v<T, float>) return element_types[0];
  if constexpr (std::is_same_v<T, double>) return element_types[1];
  if constexpr (std::is_same_v<T, std::int32_t>) return element_types[6];
  if constexpr (std::is_same_v<T, std::int64_t>) return element_types[7];
  if constexpr (std::is_same_v<T, std::uint8_t>) return element_types[8];
}();

/// One tensor as it stands in a file.
struct stored_tensor {
  element_type type = element_types[0];
  std::vector<std::int64_t> extents;  ///< any rank; empty for a single number
  std::vector<std::byte> bytes;       ///< row-major, little-endian
};

/// The content of a model file: strings and named tensors.
class safetensors_file {
 public:
  static constexpr std::size_t largest_header = 100'000'000;

  std::map<std::string, std::string> metadata;
  std::map<std::string, stored_tensor> tensors;

  /// Adds a tensor under a name; a second one of the same name replaces the first.
  template <class T>
  void put(const std::string& name, view<const T, cpu> values) {
    stored_tensor stored{element_type_of<T>, {}, std::vector<std::byte>(values.size() * sizeof(T))};
    for (int i = 0; i < values.shape().rank(); ++i) stored.extents.push_back(values.shape()[i]);
    if (values.size() > 0) std::memcpy(stored.bytes.data(), values.data(), stored.bytes.size());
    tensors[name] = std::move(stored);
  }
  template <class T>
  void put(const std::string& name, const tensor<T>& values) {
    put<T>(name, values.as_view());
  }

  /// Copies a tensor out. `file` stands in messages. Throws io_error unless it is there with this type and shape.
  template <class T>
  void get(const std::string& file, const std::string& name, view<T, cpu> out) const {
    const stored_tensor& stored = find(file, name);
    std::vector<std::int64_t> expected;
    for (int i = 0; i < out.shape().rank(); ++i) expected.push_back(out.shape()[i]);
    if (stored.type != element_type_of<T> || stored.extents != expected) {
      throw io_error(file + ": tensor \"" + name + "\": expected " + std::string(element_type_of<T>.name) + " " +
                     to_text(expected) + ", found " + std::string(stored.type.name) + " " + to_text(stored.extents) +
                     "; the file belongs to another model");
    }
    if (!stored.bytes.empty()) std::memcpy(out.data(), stored.bytes.data(), stored.bytes.size());
  }

  /// Throws io_error if there is no such tensor.
  const stored_tensor& find(const std::string& file, const std::string& name) const {
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      throw io_error(file + ": tensor \"" + name + "\" is missing; the file belongs to another model");
    }
    return found->second;
  }

  /// `[64,3,3,1]`
  static std::string to_text(const std::vector<std::int64_t>& extents) {
    std::string text = "[";
    for (std::size_t i = 0; i < extents.size(); ++i) text += (i ? "," : "") + std::to_string(extents[i]);
    return text + "]";
  }
};

namespace detail {

/// Bytes of a shape of `element_bytes` each; nothing when an extent is negative or they do not fit into 2^62.
inline std::optional<std::uint64_t> bytes_of_extents(const std::vector<std::int64_t>& extents,
                                                     std::size_t element_bytes) {
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  std::uint64_t bytes = element_bytes;
  for (const std::int64_t extent : extents) {
    const auto e = static_cast<std::uint64_t>(extent);  // a negative one is beyond `most`
    if (e > most || (e > 0 && bytes > most / e)) return std::nullopt;
    bytes *= e;
  }
  return bytes;
}

/// A text as JSON has it, in quotes.
inline std::string json_text(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw data_error("encode_safetensors: a name or a metadata text is not UTF-8");
  }
}

/// Parses the header and refuses a name that occurs twice: which one counts would depend on the reader.
inline nlohmann::json parse_safetensors_header(const std::string& file, std::string_view text) {
  std::vector<std::set<std::string>> open_objects;
  constexpr int deepest = 4;  // {tensor: {shape: [...]}}: deeper nesting is not ours
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using event_kind = nlohmann::json::parse_event_t;
    if (depth > deepest) throw io_error(file + ": the header is nested too deeply; not a safetensors file");
    if (event == event_kind::object_start) open_objects.emplace_back();
    if (event == event_kind::object_end) open_objects.pop_back();
    if (event == event_kind::key && !open_objects.back().insert(parsed.get<std::string>()).second) {
      throw io_error(file + ": \"" + parsed.get<std::string>() + "\" occurs twice in the header; the file is damaged");
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception&) {
    throw io_error(file + ": the header is not JSON; the file is damaged or not a safetensors file");
  }
}

}  // namespace detail

/// Reads from memory; `file` stands in front of every message. Throws io_error for anything that is not exactly a
/// safetensors file: the message says which tensor, what was expected and what was found.
inline safetensors_file parse_safetensors(std::span<const std::byte> content, const std::string& file) {
  const auto fail = [&](const std::string& what) { throw io_error(file + ": " + what); };
  if (content.size() < 8) {
    fail("expected a safetensors file, found " + std::to_string(content.size()) + " bytes; copy the file again");
  }
  std::uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; --i) header_bytes = header_bytes << 8 | std::to_integer<std::uint64_t>(content[i]);
  if (header_bytes > safetensors_file::largest_header) {
    fail("expected a header of at most 100 MB, found " + std::to_string(header_bytes) +
         " bytes; not a safetensors file");
  }
  if (header_bytes > content.size() - 8) {
    fail("ends inside its header (expected " + std::to_string(header_bytes) + " bytes, found " +
         std::to_string(content.size() - 8) + "); copy the file again");
  }
  const std::string_view text(reinterpret_cast<const char*>(content.data()) + 8, header_bytes);
  // nlohmann_json takes a zero byte for the end of the text: what follows would be read by others only.
  if (!text.starts_with('{') || text.find('\0') != text.npos)
    fail("the header is not JSON; the file is damaged or not a safetensors file");
  const nlohmann::json header = detail::parse_safetensors_header(file, text);
  const auto data = content.subspan(8 + header_bytes);

  safetensors_file result;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::string>> ranges;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) fail("__metadata__ is not an object; the file is damaged");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) fail("metadata \"" + key + "\" is not a string; the file is damaged");
        result.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    const std::string where = file + ": tensor \"" + name + "\": ";
    if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets") || !entry["dtype"].is_string() || !entry["shape"].is_array()) {
      throw io_error(where + "expected dtype, shape and data_offsets, found " +
                     entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 100));
    }
    stored_tensor stored;
    const auto& type_name = entry["dtype"].get_ref<const std::string&>();
    const auto* type = std::find_if(std::begin(element_types), std::end(element_types),
                                    [&](const element_type& t) { return t.name == type_name; });
    if (type == std::end(element_types)) {
      throw io_error(where + "unknown dtype \"" + type_name.substr(0, 20) + "\"; expected F32, F64, I32, I64, U8, ...");
    }
    stored.type = *type;
    for (const nlohmann::json& e : entry["shape"]) {
      if (!e.is_number_unsigned())
        throw io_error(where + "expected a shape of whole numbers, found " + entry["shape"].dump());
      stored.extents.push_back(static_cast<std::int64_t>(e.get<std::uint64_t>()));
    }
    const std::optional<std::uint64_t> expected = detail::bytes_of_extents(stored.extents, type->bytes);
    if (!expected) throw io_error(where + "a shape beyond any memory, " + entry["shape"].dump().substr(0, 100));
    const auto& offsets = entry["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      throw io_error(where + "expected data_offsets [begin, end]; the file is damaged");
    }
    const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
    if (begin > end || end > data.size()) {
      throw io_error(where + "expected bytes within 0.." + std::to_string(data.size()) + ", found " +
                     std::to_string(begin) + ".." + std::to_string(end) + "; copy the file again");
    }
    if (end - begin != *expected) {
      throw io_error(where + "expected " + std::to_string(*expected) + " bytes for " + type_name + " " +
                     safetensors_file::to_text(stored.extents) + ", found " + std::to_string(end - begin));
    }
    ranges[{begin, end}].push_back(name);
    result.tensors[name] = std::move(stored);
  }

  // All ranges are checked before any element is copied: overlapping ones would multiply a small file in memory.
  std::uint64_t covered = 0;
  for (const auto& [range, names] : ranges) {
    if (range.first != covered || (names.size() > 1 && range.first != range.second)) {
      throw io_error(file + ": tensor \"" + names.back() + "\": expected to begin at byte " + std::to_string(covered) +
                     ", found " + std::to_string(range.first) + " (a hole or an overlap); the file is damaged");
    }
    covered = range.second;
  }
  if (covered != data.size()) {
    fail("expected " + std::to_string(covered) + " bytes of elements, found " + std::to_string(data.size()) +
         "; the file is damaged");
  }
  for (const auto& [range, names] : ranges) {
    const auto bytes = data.subspan(range.first, range.second - range.first);
    for (const std::string& name : names) result.tensors[name].bytes.assign(bytes.begin(), bytes.end());
  }
  return result;
}

/// Reads a file whole. Throws io_error, see parse_safetensors.
inline safetensors_file read_safetensors(const std::filesystem::path& path) {
  return parse_safetensors(read_file(path), path.string());
}

/// The bytes of a file; equal content gives equal bytes. The header is filled up with spaces so that elements begin at
/// a multiple of 8. Throws data_error if a text is not UTF-8 or a tensor's bytes do not fit its shape.
inline std::vector<std::byte> encode_safetensors(const safetensors_file& content) {
  // Wide elements first: every tensor then lies at a multiple of its element size.
  std::vector<std::pair<const std::string*, const stored_tensor*>> order;
  for (const std::size_t width : {8, 4, 2, 1})
    for (const auto& [name, stored] : content.tensors)
      if (stored.type.bytes == width) order.emplace_back(&name, &stored);
  std::string text = "{";
  if (!content.metadata.empty()) {
    for (const auto& [key, value] : content.metadata)
      text += (text.size() == 1 ? "\"__metadata__\":{" : ",") + detail::json_text(key) + ":" + detail::json_text(value);
    text += "}";
  }
  std::uint64_t at = 0;
  for (const auto& [name, stored] : order) {
    if (detail::bytes_of_extents(stored->extents, stored->type.bytes) != stored->bytes.size() ||
        *name == "__metadata__") {
      throw data_error("encode_safetensors: tensor \"" + *name + "\": " + std::to_string(stored->bytes.size()) +
                       " bytes do not fit " + std::string(stored->type.name) + " " +
                       safetensors_file::to_text(stored->extents));
    }
    const std::uint64_t end = at + stored->bytes.size();
    text += (text.size() == 1 ? "" : ",") + detail::json_text(*name) + ":{\"dtype\":\"" +
            std::string(stored->type.name) + "\",\"shape\":" + safetensors_file::to_text(stored->extents) +
            ",\"data_offsets\":[" + std::to_string(at) + "," + std::to_string(end) + "]}";
    at = end;
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > safetensors_file::largest_header) {
    throw data_error("encode_safetensors: a header of " + std::to_string(text.size()) + " bytes, at most 100 MB fit");
  }
  std::vector<std::byte> bytes;
  bytes.reserve(8 + text.size() + at);
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::byte>(std::uint64_t{text.size()} >> (8 * i)));
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  for (const auto& [name, stored] : order) bytes.insert(bytes.end(), stored->bytes.begin(), stored->bytes.end());
  return bytes;
}

/// Writes a file, all or nothing. Throws io_error, data_error.
inline void write_safetensors(const std::filesystem::path& path, const safetensors_file& content) {
  write_file_atomically(path, encode_safetensors(content));
}

}  // namespace aixcell
