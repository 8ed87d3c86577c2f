#pragma once
#include <filesystem>

namespace aixcell::program {

/// A result folder that appears whole or not at all: files are written into a hidden folder beside it, `commit` renames
/// that; without commit everything written is removed.
class staged_folder {
 public:
  /// Throws io_error if the target exists and is not an empty folder.
  explicit staged_folder(std::filesystem::path target);
  staged_folder(const staged_folder&) = delete;
  staged_folder& operator=(const staged_folder&) = delete;
  ~staged_folder();

  /// Where to write.
  const std::filesystem::path& path() const noexcept { return staging_; }

  void commit();

 private:
  std::filesystem::path target_, staging_;
};

}  // namespace aixcell::program
