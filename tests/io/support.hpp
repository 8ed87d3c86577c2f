#pragma once
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include <aixcell/core/error.hpp>
#include "support/catch.hpp"

namespace aixcell::test {

/// A folder that vanishes with its content.
class temporary_folder {
 public:
  temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "aixcell_io_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path_); }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path path_;
};

/// The message of the exception of type Error that f throws; empty if it throws none.
template <class Error = aixcell::error, class Function>
std::string message_of(Function&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// One line that names the file.
inline bool is_good_message(const std::string& message, const std::string& file) {
  return contains(message, file) && message.find('\n') == message.npos;
}

}  // namespace aixcell::test
