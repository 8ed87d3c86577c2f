#include "training_log.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

namespace aixcell::program {

training_log::training_log(const std::filesystem::path& path) : path_(path), file_(std::fopen(path.c_str(), "ae")) {
  if (!file_) throw io_error(path.string() + ": cannot be written: " + std::strerror(errno));
}

void training_log::epoch(const std::string& pipeline, const epoch_report& r) {
  line({{"event", "epoch"},
        {"pipeline", pipeline},
        {"epoch", r.epoch},
        {"progress", r.progress},
        {"loss", r.loss},
        {"learning_rate", r.learning_rate},
        {"validation", r.validation},
        {"best", r.best},
        {"elapsed_s", r.elapsed_s},
        {"remaining_s", r.remaining_s},
        {"crops_per_s", r.crops_per_s}});
}

void training_log::line(const nlohmann::json& object) {
  const std::string text = object.dump() + "\n";
  if (std::fputs(text.c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
    throw io_error(path_.string() + ": cannot be written: " + std::strerror(errno));
}

std::vector<logged_epoch> read_epochs(const std::filesystem::path& log, const std::string& pipeline) {
  std::map<int, logged_epoch> by_number;
  std::ifstream file(log);
  for (std::string text; std::getline(file, text);) {
    const nlohmann::json j = nlohmann::json::parse(text, nullptr, false);
    if (!j.is_object() || j.value("event", "") != "epoch" || j.value("pipeline", "") != pipeline) continue;
    const logged_epoch e{j.value("epoch", 0), j.value("loss", 0.0), j.value("validation", 0.0)};
    by_number[e.epoch] = e;
  }
  std::vector<logged_epoch> epochs;
  for (const auto& [number, e] : by_number) epochs.push_back(e);
  return epochs;
}

}  // namespace aixcell::program
