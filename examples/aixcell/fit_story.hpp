#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include <aixcell/autokonfig/search.hpp>

#include "results.hpp"
#include "training_log.hpp"

namespace aixcell::program {

/// What happened in a `fit`: the report is written from it.
struct fit_story {
  std::string data_name, licence;
  std::string pipeline;
  answer_names names;
  aixcell::fingerprint fingerprint;
  index_t test_images = 0;
  bool test_was_held_out = false;
  fit_report training;
  std::vector<trial> trials;          ///< empty if the pipeline was named
  std::vector<candidate> candidates;  ///< likewise
  std::vector<logged_epoch> epochs;   ///< of the winner
  evaluation test;
  double prediction_ms = 0;  ///< mean over the test images
  int threads = 1;
  std::function<void(const image&, prediction&)> refine = {};  ///< a step behind prediction, see evaluate_options
};

/// One test image with its place in the ranking.
struct shown_image {
  std::string kind;  ///< worst, best, some
  index_t position;  ///< in the test part
  double score;
};

/// Up to three of the worst, three of the best and three in between.
std::vector<shown_image> choose_shown(const std::vector<double>& scores);

/// Draws the chosen test images into `folder`/overlays (image | truth | prediction | errors) and writes
/// `folder`/report.html, one page that needs no other file.
void write_report(context<cpu>& ctx, const any_pipeline& model, const dataset& test, const fit_story& story,
                  const std::vector<shown_image>& shown, const std::filesystem::path& folder);

}  // namespace aixcell::program
