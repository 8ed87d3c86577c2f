#pragma once
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <aixcell/pipeline/evaluate.hpp>

namespace aixcell::program {

/// What the answers of a model are called.
struct answer_names {
  std::vector<std::string> classes = {};        ///< of pixels or objects
  std::vector<std::string> image_classes = {};  ///< of whole images
};

/// Everything an evaluation says, for metrics.json. Intervals are [low, high], 95 %.
nlohmann::json metrics_json(const evaluation& e, const answer_names& names);

/// The same for people: some lines, the most important numbers.
std::string metrics_text(const evaluation& e, const answer_names& names);

/// How good the prediction of the latest image was, in [0,1]: its score in the terms of the task.
double score_of_image(const evaluation& e, const annotation& truth, const prediction& found);

}  // namespace aixcell::program
