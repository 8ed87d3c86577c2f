#pragma once
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <zip.h>

#include <aixcell/core/error.hpp>

namespace aixcell {

/// The files of a zip archive by name.
using zip_entries = std::map<std::string, std::string>;

namespace detail {

struct zip_deleter {
  void operator()(zip_t* z) const { zip_discard(z); }
  void operator()(zip_source_t* s) const { zip_source_free(s); }
  void operator()(zip_file_t* f) const { zip_fclose(f); }
};
template <class T>
using zip_pointer = std::unique_ptr<T, zip_deleter>;

[[noreturn]] inline void throw_zip(const std::string& file, const char* why) {
  throw io_error(file + ": zip archive: " + why);
}

/// An archive in memory. `bytes` is empty for a new one, and outlives the result.
inline zip_pointer<zip_t> open_zip(const std::string& file, std::string_view bytes, zip_source_t*& source) {
  zip_error_t failure;
  zip_error_init(&failure);
  source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &failure);
  if (!source) throw_zip(file, zip_error_strerror(&failure));
  zip_source_keep(source);  // for reading what was written, after the archive is closed
  zip_t* archive = zip_open_from_source(source, bytes.empty() ? ZIP_TRUNCATE : ZIP_RDONLY, &failure);
  if (!archive) {
    zip_source_free(source), zip_source_free(source);
    const std::string why = std::string(zip_error_strerror(&failure)) + "; copy the file again";
    throw_zip(file, why.c_str());
  }
  return zip_pointer<zip_t>(archive);
}

}  // namespace detail

/// The bytes of an archive: same entries, same bytes (every file is dated 1 January 1980). Target aixcell::exchange.
inline std::string encode_zip(const zip_entries& entries) {
  const std::string name = "encode_zip";
  zip_source_t* source = nullptr;
  auto archive = detail::open_zip(name, {}, source);
  const detail::zip_pointer<zip_source_t> written(source);
  constexpr std::time_t first_day =
      315619200;  // 1980-01-02 00:00 UTC: the format knows no earlier year in any time zone
  for (const auto& [entry, content] : entries) {
    zip_source_t* from = zip_source_buffer(archive.get(), content.data(), content.size(), 0);
    const zip_int64_t index = from ? zip_file_add(archive.get(), entry.c_str(), from, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
      if (from) zip_source_free(from);
      detail::throw_zip(name, zip_strerror(archive.get()));
    }
    zip_file_set_mtime(archive.get(), static_cast<zip_uint64_t>(index), first_day, 0);
  }
  if (zip_close(archive.get()) != 0) detail::throw_zip(name, zip_strerror(archive.get()));
  static_cast<void>(archive.release());
  zip_stat_t status;
  if (zip_source_open(source) != 0 || zip_source_stat(source, &status) != 0)
    detail::throw_zip(name, zip_error_strerror(zip_source_error(source)));
  std::string bytes(status.size, '\0');
  const zip_int64_t got = zip_source_read(source, bytes.data(), bytes.size());
  zip_source_close(source);
  if (got != static_cast<zip_int64_t>(bytes.size())) detail::throw_zip(name, "became shorter while it was written");
  return bytes;
}

/// All entries of an archive; `file` stands in messages. Throws io_error if it is damaged, holds a name twice or unpacks to
/// more than `largest` bytes.
inline zip_entries decode_zip(std::string_view bytes, const std::string& file,
                              std::size_t largest = std::size_t{4} << 30) {
  if (bytes.empty()) detail::throw_zip(file, "is empty");
  zip_source_t* source = nullptr;
  const auto archive = detail::open_zip(file, bytes, source);
  const detail::zip_pointer<zip_source_t> kept(source);
  zip_entries entries;
  std::size_t total = 0;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive.get(), 0); ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    zip_stat_t status;
    if (zip_stat_index(archive.get(), index, 0, &status) != 0) detail::throw_zip(file, zip_strerror(archive.get()));
    if (status.size > largest || (total += status.size) > largest)
      detail::throw_zip(file, "unpacks to more than a model can have; it is no model package");
    const detail::zip_pointer<zip_file_t> from(zip_fopen_index(archive.get(), index, 0));
    std::string content(status.size, '\0');
    if (!from || zip_fread(from.get(), content.data(), content.size()) != static_cast<zip_int64_t>(content.size()))
      detail::throw_zip(file, (std::string(status.name) + " is damaged; copy the file again").c_str());
    if (!entries.emplace(status.name, std::move(content)).second)
      detail::throw_zip(file, (std::string(status.name) + " is in it twice").c_str());
  }
  return entries;
}

}  // namespace aixcell
