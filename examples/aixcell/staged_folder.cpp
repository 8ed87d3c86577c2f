#include "staged_folder.hpp"

#include <string>
#include <unistd.h>

#include <aixcell/core/error.hpp>

namespace aixcell::program {

namespace fs = std::filesystem;

staged_folder::staged_folder(fs::path target) : target_(fs::absolute(target).lexically_normal()) {
  if (!target_.has_filename()) target_ = target_.parent_path();  // a trailing slash
  if (fs::exists(target_) && !fs::is_directory(target_))
    throw io_error(target.string() + ": is a file, expected a folder for results; give another name");
  if (fs::exists(target_) && !fs::is_empty(target_))
    throw io_error(target.string() + ": the folder is not empty; empty it or give another one");
  // The nearest folder that exists: beside the result, on the same file system, and nothing to take back on failure.
  fs::path beside = target_.parent_path();
  while (!fs::exists(beside)) beside = beside.parent_path();
  staging_ = beside / ("." + target_.filename().string() + "." + std::to_string(::getpid()) + ".part");
  std::error_code failure;
  fs::create_directory(staging_, failure);
  if (failure) throw io_error(target.string() + ": cannot be created: " + failure.message());
}

staged_folder::~staged_folder() {
  std::error_code ignored;
  fs::remove_all(staging_, ignored);
}

void staged_folder::commit() {
  fs::create_directories(target_.parent_path());
  fs::rename(staging_, target_);  // replaces an empty folder, as POSIX says
}

}  // namespace aixcell::program
