#pragma once
#include <filesystem>
#include <memory>

#include <nlohmann/json.hpp>

#include <aixcell/autokonfig/shortlist.hpp>
#include <aixcell/autokonfig/training_step.hpp>
#include <aixcell/io/file.hpp>
#include <aixcell/pipeline/fit.hpp>

namespace aixcell {

struct search_options {
  double share = 0.2;         ///< of the budget goes to trials, the rest to the winner
  double least_trial_s = 40;  ///< a shorter trial tells little: fewer candidates are tried instead
  int at_most = 8;            ///< candidates
};

/// One candidate's way through the search.
struct trial {
  std::string pipeline;
  int rounds = 0;         ///< of successive halving that it took part in
  double seconds = 0;     ///< of training
  double validation = 0;  ///< best score
  std::string reason;     ///< why it was a candidate
};

inline nlohmann::json to_json(const trial& t) {
  return {{"pipeline", t.pipeline},
          {"rounds", t.rounds},
          {"seconds", t.seconds},
          {"validation", t.validation},
          {"reason", t.reason}};
}

struct search_result {
  std::unique_ptr<any_pipeline> model;  ///< the winner, trained to the end
  fit_report report;                    ///< of the winner; seconds include its trials
  std::vector<trial> trials;            ///< best first
};

namespace detail {

/// What has to survive an interruption between epochs: which trials are done. The weights are in their checkpoints.
struct search_state {
  std::vector<trial> trials;
  std::vector<std::size_t> alive;  ///< candidates of the present round
  std::size_t next = 0;            ///< first of `alive` that has not had its turn
  int round = 0;
  bool training_winner = false;

  nlohmann::json to_json() const {
    nlohmann::json list = nlohmann::json::array();
    for (const trial& t : trials) list.push_back(aixcell::to_json(t));
    return {{"trials", list}, {"alive", alive}, {"next", next}, {"round", round}, {"training_winner", training_winner}};
  }
  static search_state from_json(const nlohmann::json& j) {
    search_state s;
    for (const auto& t : j.at("trials"))
      s.trials.push_back({t.at("pipeline"), t.at("rounds"), t.at("seconds"), t.at("validation"), t.at("reason")});
    s.alive = j.at("alive").get<std::vector<std::size_t>>();
    s.next = j.at("next");
    s.round = j.at("round");
    s.training_winner = j.at("training_winner");
    return s;
  }
};

/// The greatest number of candidates whose halving rounds leave each trial its least time.
inline std::size_t affordable_candidates(std::size_t available, double search_s, const search_options& options) {
  std::size_t n = std::min<std::size_t>(available, static_cast<std::size_t>(std::max(1, options.at_most)));
  const auto rounds = [](std::size_t candidates) {
    int r = 0;
    for (; candidates > 1; candidates = (candidates + 1) / 2) ++r;
    return r;
  };
  while (n > 1 && search_s / rounds(n) / static_cast<double>(n) < options.least_trial_s) --n;
  return n;
}

}  // namespace detail

/// Successive halving (Jamieson & Talwalkar 2016) over the shortlist of fitting candidates: every round trains
/// the candidates that are left for an equal share of the round's budget, then the better half stays. The winner goes
/// on with the rest of the budget under a fresh learning-rate schedule. Weights are kept between rounds, nothing is
/// trained twice. With `folder`, every epoch is saved there and an interrupted search goes on where it stopped.
/// Throws data_error, with the reasons, if no candidate fits.
inline search_result search_pipeline(context<cpu>& ctx, const std::vector<candidate>& candidates, const dataset& data,
                                     const requirements& wanted, const fit_options& fitting,
                                     const std::filesystem::path& folder, const search_options& options = {}) {
  const std::vector<const candidate*> fitting_ones = shortlist(candidates, candidates.size());
  if (fitting_ones.empty()) {
    const std::string first = candidates.empty() ? "no pipeline was compiled in"
                                                 : candidates.front().pipeline->name + ": " + candidates.front().reason;
    throw data_error("autokonfig: no pipeline fits the requirements (" + first +
                     "); relax a limit or compile in more pipelines");
  }

  const std::filesystem::path state_file = folder / "search.json";
  detail::search_state state;
  if (std::filesystem::exists(state_file)) {
    state = detail::search_state::from_json(nlohmann::json::parse(read_text_file(state_file)));
  } else {
    const std::size_t n = detail::affordable_candidates(fitting_ones.size(), wanted.budget_s * options.share, options);
    for (std::size_t i = 0; i < n; ++i) {
      state.trials.push_back({fitting_ones[i]->pipeline->name, 0, 0, 0, fitting_ones[i]->reason});
      state.alive.push_back(i);
    }
  }
  const auto remember = [&] { write_file_atomically(state_file, state.to_json().dump(1)); };
  const auto entry = [&](const std::string& name) -> const registered_pipeline& {
    for (const candidate* c : fitting_ones)
      if (c->pipeline->name == name) return *c->pipeline;
    throw data_error(state_file.string() + ": names pipeline " + name +
                     ", which does not fit now; delete the folder to start anew");
  };
  int rounds = 0;
  for (std::size_t n = state.trials.size(); n > 1; n = (n + 1) / 2) ++rounds;

  const split_result parts = split(data, {.validation = fitting.validation_share, .seed = fitting.training.seed});
  search_result result;
  // Trains one candidate until its present cycle is over; the cycle that is due is the number of rounds it has begun.
  const auto train = [&](std::size_t which, int cycle, double budget_s, auto&& finish) {
    trial& t = state.trials[which];
    const bool is_trial = !state.training_winner;
    auto model = entry(t.pipeline).make();
    model->set_up(ctx, setup_for(*model, data, fitting.training.seed));
    if (fitting.initialise) fitting.initialise(*model);
    model->fit_preprocess(ctx, parts.train);
    fit_options step = fitting;
    step.training.budget_s = budget_s;
    step.training.augment = recommended_augmentation(entry(t.pipeline), fitting.training.augment);
    if (is_trial) {  // most of a short trial must be training
      step.training.epochs_in_budget = 3;
      step.training.validate_at_most = 16;
    }
    step.checkpoint = folder / ("trial_" + std::to_string(which) + ".safetensors");
    training run(ctx, *model, parts.train, parts.validation, step.training);
    if (std::filesystem::exists(step.checkpoint)) load_checkpoint(run, step.checkpoint);
    if (run.cycle() < cycle) run.restart(budget_s);
    run_training(run, step);
    t.seconds = run.elapsed_s();
    t.validation = run.best_score();
    finish(std::move(model), run);
  };

  while (!state.training_winner && state.alive.size() > 1) {
    remember();
    const double each = wanted.budget_s * options.share / rounds / static_cast<double>(state.alive.size());
    for (; state.next < state.alive.size(); ++state.next, remember()) {
      train(state.alive[state.next], state.round, each, [](auto&&, training&) {});
      ++state.trials[state.alive[state.next]].rounds;
    }
    std::stable_sort(state.alive.begin(), state.alive.end(), [&](std::size_t a, std::size_t b) {
      return state.trials[a].validation > state.trials[b].validation;
    });
    for (std::size_t k = (state.alive.size() + 1) / 2; k < state.alive.size(); ++k)
      std::filesystem::remove(folder / ("trial_" + std::to_string(state.alive[k]) + ".safetensors"));
    state.alive.resize((state.alive.size() + 1) / 2);
    state.next = 0;
    ++state.round;
  }
  state.training_winner = true;
  remember();
  double spent = 0;
  for (const trial& t : state.trials) spent += t.seconds;
  if (rounds == 0) spent = 0;
  const double rest =
      std::max(wanted.budget_s / 2, wanted.budget_s - spent);  // trials may have taken longer than planned
  train(state.alive.front(), rounds, rounds == 0 ? wanted.budget_s : rest,
        [&](std::unique_ptr<any_pipeline> model, training& run) {
          result.report = finish_training(ctx, *model, run, parts);
          result.model = std::move(model);
        });
  result.trials = state.trials;
  std::stable_sort(result.trials.begin(), result.trials.end(), [](const trial& a, const trial& b) {
    return a.rounds != b.rounds ? a.rounds > b.rounds : a.validation > b.validation;
  });
  return result;
}

}  // namespace aixcell
