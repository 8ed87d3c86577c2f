#pragma once
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace aixcell::program {

/// The folder that `fit` writes into: results at its top, checkpoints and the arguments of the run under work/ until it
/// is finished. It knows whether a run may start, goes on, or must be refused.
class run_folder {
 public:
  /// Only looks. Throws data_error if the folder holds a finished run, or an unfinished one with other arguments, unless
  /// `fresh`; io_error if it is a file.
  run_folder(std::filesystem::path folder, nlohmann::json arguments, bool fresh);
  run_folder(const run_folder&) = delete;
  run_folder& operator=(const run_folder&) = delete;
  /// Of a run that failed before its first epoch nothing is left.
  ~run_folder();

  bool resumes() const noexcept { return resumes_; }
  std::filesystem::path work() const { return folder_ / "work"; }
  std::filesystem::path log() const { return folder_ / "log.jsonl"; }

  /// Creates the folders; with `fresh`, removes what an earlier run wrote. Throws data_error if the run goes on and the
  /// data set, known by its digest, is another one than at its beginning.
  void begin(const std::string& data_digest);

  /// An empty folder for results, on the same file system.
  std::filesystem::path results() const { return work() / "results"; }

  /// Moves the results to the top, the model last, and removes work/.
  void finish();

 private:
  std::filesystem::path folder_;
  nlohmann::json arguments_;
  bool resumes_ = false;
  bool existed_ = false;
  bool begun_ = false;
};

}  // namespace aixcell::program
