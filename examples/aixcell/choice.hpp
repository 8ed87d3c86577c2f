#pragma once
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <aixcell/autokonfig/recommend.hpp>

#include "commands.hpp"

namespace aixcell::program {

struct wanted_choice {
  program::limits limits;
  program::goal goal;
  double budget_s = 1800;
};

/// What is wanted, with what the user did not say taken from the data set.
requirements requirements_for(const wanted_choice& wanted, const dataset& data);

/// Edge of training crops: as asked, or what holds an image of median size, within 64..256.
index tile_for(index asked, const fingerprint& data);

struct candidates_text_options {
  int at_most = 0;  ///< rows; 0: all
};

/// For the terminal: those that fit, best first, with predicted cost and reason; of the rest how many and why.
std::string candidates_text(const std::vector<candidate>& candidates, const candidates_text_options& options = {});

nlohmann::json to_json(const candidate& c);
nlohmann::json to_json(const fingerprint& data);

}  // namespace aixcell::program
