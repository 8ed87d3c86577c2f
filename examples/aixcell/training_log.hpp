#pragma once
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <aixcell/pipeline/training.hpp>

namespace aixcell::program {

/// log.jsonl: a JSON object on every line, on disk as soon as it is written. A run that goes on appends.
class training_log {
 public:
  explicit training_log(const std::filesystem::path& path);

  void epoch(const std::string& pipeline, const epoch_report& report);
  void line(const nlohmann::json& object);

 private:
  struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, closer> file_;
};

/// One logged epoch of a pipeline.
struct logged_epoch {
  int epoch;
  double loss, validation;
};

/// The epochs of a pipeline in the log, by number; of an epoch that was run twice the later one. Lines that are no JSON
/// (cut by a power failure) are skipped.
std::vector<logged_epoch> read_epochs(const std::filesystem::path& log, const std::string& pipeline);

}  // namespace aixcell::program
