#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <aixcell/pipeline/any_pipeline.hpp>

namespace aixcell {

/// A pipeline that was compiled in.
struct registered_pipeline {
  std::string name;  ///< stable: `percentile+resnet18+unet+star_convex32`
  std::string preprocess, encoder, decoder, postprocess;
  task solves;
  bool needs_nuclei;
  bool needs_object_classes;
  bool needs_image_classes;
  std::function<std::unique_ptr<any_pipeline>()> make;
};

/// The pipelines a program was built with, by name. A plain value: a program makes one and passes it on.
class pipeline_list {
 public:
  /// A name that is there already stays as it is.
  void add(registered_pipeline entry) {
    if (!contains(entry.name)) entries_.push_back(std::move(entry));
  }

  const std::vector<registered_pipeline>& entries() const noexcept { return entries_; }

  bool contains(std::string_view name) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const registered_pipeline& e) { return e.name == name; });
  }

  /// Throws not_available, naming the nearest there is, when no such pipeline was compiled in.
  const registered_pipeline& find(std::string_view name) const {
    for (const registered_pipeline& e : entries_)
      if (e.name == name) return e;
    throw_unknown(name);
  }

 private:
  [[noreturn]] void throw_unknown(std::string_view name) const {
    // The names that share most stages with what was asked for are the ones that were meant.
    const auto shared = [&](const registered_pipeline& e) {
      int n = 0;
      for (const std::string& stage : {e.preprocess, e.encoder, e.decoder, e.postprocess})
        n += name.find(stage) != std::string_view::npos;
      return n;
    };
    std::vector<registered_pipeline> nearest = entries_;
    std::stable_sort(nearest.begin(), nearest.end(),
                     [&](const auto& a, const auto& b) { return shared(a) > shared(b); });
    std::string text = "pipeline '" + std::string(name) + "' is not among the " + std::to_string(entries_.size()) +
                       " that were compiled in; nearest:";
    for (std::size_t i = 0; i < std::min<std::size_t>(3, nearest.size()); ++i) text += " " + nearest[i].name;
    throw not_available(text + "; `aixcell info` lists all, aixcell_add_instances adds more");
  }

  std::vector<registered_pipeline> entries_;
};

}  // namespace aixcell
