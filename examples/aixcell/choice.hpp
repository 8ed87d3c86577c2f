#pragma once
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <aixcell/autokonfig/recommend.hpp>
#include <aixcell/autokonfig/training_step.hpp>

#include "commands.hpp"

namespace aixcell::program {

struct wanted_choice {
  program::limits limits;
  program::goal goal;
  compute_settings compute = {};
  double budget_s = 1800;
};

/// What is wanted, with what the user did not say taken from the data set.
requirements requirements_for(const wanted_choice& wanted, const dataset& data);

/// What was asked for; the rule decides what was not.
training_step step_for(const training_step& asked, const fingerprint& data);

struct candidates_text_options {
  int at_most = 0;  ///< rows; 0: all
};

/// For the terminal: those that fit, best first, with predicted cost and reason; of the rest how many and why.
std::string candidates_text(const std::vector<candidate>& candidates, const candidates_text_options& options = {});

nlohmann::json to_json(const candidate& c);
nlohmann::json to_json(const fingerprint& data);

}  // namespace aixcell::program
