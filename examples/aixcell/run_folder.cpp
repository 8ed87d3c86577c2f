#include "run_folder.hpp"

#include <aixcell/io/file.hpp>

namespace aixcell::program {

namespace fs = std::filesystem;

namespace {

constexpr const char* result_names[] = {"metrics.json", "report.html", "overlays", "model.safetensors"};

/// The first argument that differs, as `seed is 1, was 2`.
std::string difference(const nlohmann::json& now, const nlohmann::json& before) {
  for (const auto& [key, value] : now.items())
    if (!before.contains(key) || before[key] != value)
      return key + " is " + value.dump() + ", was " + (before.contains(key) ? before[key].dump() : "not given");
  return "";
}

nlohmann::json read_json(const fs::path& path) {
  const auto bytes = read_file(path);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  nlohmann::json j = nlohmann::json::parse(text, text + bytes.size(), nullptr, false);
  if (!j.is_object()) throw io_error(path.string() + ": is damaged; start anew with --fresh or in another folder");
  return j;
}

}  // namespace

run_folder::run_folder(fs::path folder, nlohmann::json arguments, bool fresh)
    : folder_(std::move(folder)), arguments_(std::move(arguments)) {
  existed_ = fs::exists(folder_);
  if (existed_ && !fs::is_directory(folder_))
    throw io_error(folder_.string() + ": is a file, expected a folder for results; give another name");
  if (fresh) return;
  if (fs::exists(folder_ / "model.safetensors"))
    throw data_error(folder_.string() +
                     ": holds a trained model already; give another folder, or --fresh to replace it");
  const fs::path run_file = work() / "run.json";
  if (!fs::exists(run_file)) return;
  resumes_ = true;
  if (const std::string what = difference(arguments_, read_json(run_file)); !what.empty())
    throw data_error(folder_.string() + ": holds an unfinished run with other arguments (" + what +
                     "); repeat the first command, give another folder, or --fresh to start anew");
}

run_folder::~run_folder() {
  if (!begun_) return;
  std::error_code ignored;
  bool something_saved = false;
  for (const auto& entry : fs::directory_iterator(work(), ignored))
    something_saved = something_saved || entry.path().extension() == ".safetensors";
  if (something_saved) return;
  fs::remove_all(work(), ignored);
  fs::remove(log(), ignored);
  if (!existed_) fs::remove(folder_, ignored);  // only if empty
}

void run_folder::begin(const std::string& data_digest) {
  if (resumes_ && read_json(work() / "run.json").value("data_digest", "") != data_digest)
    throw data_error(
        folder_.string() +
        ": the data set has changed since the unfinished run began; start anew with --fresh or in another folder");
  arguments_["data_digest"] = data_digest;
  if (!resumes_) {
    for (const char* name : result_names) fs::remove_all(folder_ / name);
    fs::remove_all(work());
    fs::remove(log());
  }
  std::error_code failure;
  fs::create_directories(work(), failure);
  if (failure) throw io_error(folder_.string() + ": cannot be created: " + failure.message());
  begun_ = true;
  write_file_atomically(work() / "run.json", arguments_.dump(1));
  fs::remove_all(results());
  fs::create_directory(results());
}

void run_folder::finish() {
  for (const char* name : result_names) {
    fs::remove_all(folder_ / name);
    if (fs::exists(results() / name)) fs::rename(results() / name, folder_ / name);
  }
  begun_ = false;
  fs::remove_all(work());
}

}  // namespace aixcell::program
