#include <chrono>

#include <aixcell/autokonfig/initial_weights.hpp>
#include <aixcell/library/load_model.hpp>
#include <aixcell/report/progress.hpp>
#include <aixcell/version.hpp>

#include "aixcell_instances.hpp"
#include "choice.hpp"
#include "device.hpp"
#include "fit_story.hpp"
#include "given_weights.hpp"
#include "object_classes.hpp"
#include "open_data.hpp"
#include "results.hpp"
#include "run_folder.hpp"
#include "stop.hpp"

namespace aixcell::program {

namespace {

namespace fs = std::filesystem;

/// What must be equal for a run to go on. Threads and values computed again change no bit.
nlohmann::json identity_of(const fit_arguments& a, const std::optional<given_weights>& initial) {
  nlohmann::json j = {{"data", a.data == "synthetic" ? a.data : fs::weakly_canonical(a.data).string()},
                      {"--budget", std::to_string(a.budget_s) + "s"},
                      {"--pipeline", a.pipeline},
                      {"--weights", initial ? initial->identity : ""},
                      {"--epochs", a.epochs},
                      {"--seed", a.seed},
                      {"--train-images", a.train_images},
                      {"--max-memory", a.limits.memory_bytes},
                      {"--max-latency", a.limits.latency_s},
                      {"--precision", std::string(to_string(stored_precision(a.compute)))},
                      {"--device", a.compute.device},
                      {"--tile", a.step.tile},
                      {"--batch", a.step.batch},
                      {"version", std::string(version)}};
  if (!a.acquired.channels.empty()) j["--channels"] = a.acquired.channels;
  if (a.acquired.z) j["--z"] = to_string(*a.acquired.z);
  if (a.acquired.pages_are_channels) j["--pages"] = *a.acquired.pages_are_channels ? "channels" : "slices";
  if (a.goal.solves) j["--task"] = std::string(to_string(*a.goal.solves));
  if (a.goal.classes) j["--classes"] = *a.goal.classes ? "yes" : "no";
  if (!a.view.empty()) j["--view"] = a.view;
  return j;
}

/// The first `count` images of a seeded shuffle: more images always contain those of fewer, as a learning curve needs.
dataset first_images(const dataset& data, index_t count, std::uint64_t seed) {
  if (count == 0) return data;
  if (count > data.size())
    throw data_error(data.name + ": --train-images " + std::to_string(count) + ", but there are " +
                     std::to_string(data.size()) + " training images; ask for fewer");
  std::vector<index_t> order;
  for (index_t i = 0; i < data.size(); ++i) order.push_back(i);
  random_stream(seed, 0x7375626573657400).shuffle(order);
  order.resize(static_cast<std::size_t>(count));
  return data.subset(order);
}

/// Everything a `fit` works with, from the arguments to the trained model.
struct fit_run {
  const fit_arguments& arguments;
  context<cpu>& ctx;
  const pipeline_list& compiled;
  const dataset& train;
  const fingerprint& facts;
  run_folder& folder;
  training_log& log;
  const std::optional<given_weights>& initial;
  training_step step = step_for(arguments.step, facts);

  std::unique_ptr<any_pipeline> model = nullptr;
  fit_report report = {};
  std::vector<candidate> candidates = {};
  std::vector<trial> trials = {};

  fit_options options(const std::string& pipeline, progress_line& progress) {
    fit_options o;
    o.training.epochs = arguments.epochs;
    o.training.budget_s = arguments.budget_s;
    o.training.batch = step.batch;
    o.training.tile = step.tile;
    o.training.seed = arguments.seed;
    o.training.stop_requested = stop_requested;
    if (initial) o.initialise = [this](any_pipeline& m) { initial->fill(m, false); };
    o.on_epoch = [this, &pipeline, &progress](const epoch_report& r) {
      log.epoch(pipeline, r);
      const double epoch_s = r.elapsed_s / std::max(1, r.epoch);
      progress_state state;
      state.stage = pipeline;
      state.epoch = r.epoch;
      state.epochs = arguments.epochs > 0
                         ? arguments.epochs
                         : r.epoch + static_cast<int>(std::lround(r.remaining_s / std::max(epoch_s, 1e-9)));
      state.images_per_second = r.crops_per_s;
      state.loss = r.loss;
      state.metric_name = "validation";
      state.metric = r.validation;
      state.best_metric = r.best;
      state.seconds_left = r.remaining_s;
      progress.epoch(state);
    };
    return o;
  }

  void train_named() {
    model = compiled.find(arguments.pipeline).make();
    progress_line progress(stderr);
    fit_options o = options(arguments.pipeline, progress);
    o.training.augment = recommended_augmentation(compiled.find(arguments.pipeline));
    if (initial) o.initialise = [this](any_pipeline& m) { initial->fill(m, true); };
    o.checkpoint = folder.work() / "checkpoint.safetensors";
    report = aixcell::fit(ctx, *model, train, o);
  }

  void search() {
    const requirements wanted = requirements_for(
        {arguments.limits, arguments.goal, arguments.compute.settings, arguments.budget_s}, train);
    // The search makes a pipeline when its turn comes: that is how the log knows whose epochs it gets.
    std::string current;
    pipeline_list watched;
    for (registered_pipeline entry : compiled.entries()) {
      entry.make = [&current, make = entry.make, name = entry.name] {
        current = name;
        return make();
      };
      watched.add(std::move(entry));
    }
    std::vector<candidate> found = aixcell::recommend(watched, facts, wanted, measure_machine_speed(ctx),
                                                      {step.batch, step.tile, step.tile, train.channels});
    if (initial)
      require_initialised(ctx, found, static_cast<int>(train.channels),
                          [this](any_pipeline& m) { initial->fill(m, true); });
    std::fputs(candidates_text(found, {.at_most = 8}).c_str(), stdout);
    std::fflush(stdout);
    progress_line progress(stderr);
    search_result result = search_pipeline(ctx, found, train, wanted, options(current, progress), folder.work());
    model = std::move(result.model);
    report = result.report;
    trials = std::move(result.trials);
    // `watched` ends here; what remains points into the list of the program.
    for (candidate& c : found) c.pipeline = &compiled.find(c.pipeline->name);
    candidates = std::move(found);
    for (const trial& t : trials) {
      nlohmann::json line = to_json(t);
      line["event"] = "trial";
      log.line(line);
    }
  }
};

/// What the model's answers about pixels or objects are called, nothing if it tells none apart.
std::vector<std::string> class_names_of(const any_pipeline& model, const dataset& data) {
  if (model.solves() == task::semantic_segmentation)
    return data.task == task::semantic_segmentation ? data.class_names
                                                    : std::vector<std::string>{"background", "foreground"};
  if (model.needs_nuclei() && !data.has_object_classes()) return {"mononuclear", "binuclear"};
  return model.needs_nuclei() || model.needs_object_classes() ? data.class_names : std::vector<std::string>{};
}

nlohmann::json training_json(const fit_run& run) {
  nlohmann::json j = {{"epochs", run.report.epochs},
                      {"seconds", run.report.seconds},
                      {"validation_score", run.report.validation},
                      {"training_images", run.report.training_images},
                      {"validation_images", run.report.validation_images},
                      {"seed", run.arguments.seed},
                      {"precision", std::string(to_string(stored_precision(run.arguments.compute)))},
                      {"device", run.arguments.compute.device},
                      {"batch", run.step.batch},
                      {"tile", run.step.tile}};
  if (run.initial) j["initial_weights"] = run.initial->identity;
  for (const trial& t : run.trials) j["trials"].push_back(to_json(t));
  return j;
}

/// Tests the trained model and puts model, metrics, overlays and report into the result folder.
void write_results(fit_run& run, const opened_data& data) {
  fit_story story;
  story.data_name = data.train.name;
  story.licence = data.train.licence;
  story.pipeline = run.model->name();
  story.names.classes = class_names_of(*run.model, data.train);
  if (run.model->needs_image_classes()) story.names.image_classes = data.train.image_class_names;
  story.fingerprint = run.facts;
  story.test_images = data.test.size();
  story.test_was_held_out = data.test_was_held_out;
  story.training = run.report;
  story.trials = run.trials;
  story.candidates = run.candidates;
  story.epochs = read_epochs(run.folder.log(), story.pipeline);
  story.threads = run.ctx.threads();

  std::vector<double> scores;
  evaluation so_far = empty_evaluation(*run.model);
  const std::optional<class_rule> rule = choose_object_classes(run.ctx, *run.model, run.train, run.arguments.seed);
  story.refine = refine_by(rule);
  const auto start = std::chrono::steady_clock::now();
  story.test = aixcell::evaluate(run.ctx, *run.model, data.test,
                                 {.predict = {.mirrored = true},
                                  .refine = story.refine,
                                  .seen = [&](index_t, const example& e, const prediction& found) {
                                    throw_if_stopped("stopped while testing; the same command goes on");
                                    so_far.add(e.truth, found);
                                    scores.push_back(score_of_image(so_far, e.truth, found));
                                  }});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  story.prediction_ms = 1e3 * seconds / static_cast<double>(std::max<index_t>(1, data.test.size()));

  const fs::path results = run.folder.results();
  write_report(run.ctx, *run.model, data.test, story, choose_shown(scores), results);
  const nlohmann::json test = metrics_json(story.test, story.names);
  const nlohmann::json training = training_json(run);
  const nlohmann::json metrics = {
      {"pipeline", story.pipeline},
      {"aixcell", std::string(version)},
      {"data", to_json(run.facts)},
      {"test", test},
      {"test_part", data.test_was_held_out ? "20 % of the images, held out by aixcell" : "of the data set"},
      {"predicted_with", "mean of the image and its three mirror images"},
      {"prediction_ms_per_image", story.prediction_ms},
      {"training", training}};
  write_file_atomically(results / "metrics.json", metrics.dump(1) + "\n");

  model_card card;
  card.class_names = story.names.classes;
  card.image_class_names = story.names.image_classes;
  card.channel_names = data.train.channel_names;
  card.acquired = data.train.acquired;
  card.facts = {{"data", to_json(run.facts)}, {"test", test}, {"training", training}, {"licence", story.licence}};
  card.facts["data"]["name"] = data.train.name;
  if (!run.arguments.view.empty()) card.facts["data"]["view"] = run.arguments.view;
  if (rule) card.facts["object_classes"] = to_json(*rule);
  save_model(results / "model.safetensors", *run.model, card);
  run.log.line({{"event", "finished"},
                {"pipeline", story.pipeline},
                {"validation", run.report.validation},
                {"test_score", story.test.score()}});
  run.folder.finish();
  std::fputs(metrics_text(story.test, story.names).c_str(), stdout);
}

}  // namespace

void fit(const fit_arguments& arguments) {
  const pipeline_list compiled = compiled_pipelines();
  if (!arguments.pipeline.empty()) compiled.find(arguments.pipeline);
  const std::optional<given_weights> initial = read_given_weights(arguments.weights);
  run_folder folder(arguments.out, identity_of(arguments, initial), arguments.fresh);
  context<cpu> ctx = context_for(arguments.compute);
  opened_data data = open_data_with_test(ctx, arguments.data, arguments.seed, arguments.acquired.over({}), arguments.view);
  data.train = first_images(data.train, arguments.train_images, arguments.seed);
  data.train.require_trainable();
  if (!arguments.pipeline.empty()) setup_for(*compiled.find(arguments.pipeline).make(), data.train, arguments.seed);

  const fingerprint facts = fingerprint_of(ctx, data.train);
  std::string to_learn = std::to_string(data.train.objects()) + " objects to learn from";
  if (data.train.task == task::image_classification)
    to_learn = "of " + std::to_string(data.train.image_class_names.size()) + " classes";
  std::printf("%s: %td training and %td test images%s%s\n", data.train.name.c_str(), data.train.size(), data.test.size(),
              data.train.task == task::image_classification ? " " : ", ", to_learn.c_str());
  std::fflush(stdout);
  folder.begin(to_json(facts)["digest"]);
  if (folder.resumes()) std::printf("going on with the run in %s\n", arguments.out.c_str());
  training_log log(folder.log());
  fit_run run{arguments, ctx, compiled, data.train, facts, folder, log, initial};
  try {
    arguments.pipeline.empty() ? run.search() : run.train_named();
  } catch (const interrupted& e) {
    throw interrupted(std::string(e.what()) + "; the same command goes on");
  }
  std::printf("%s: %d epochs in %s, validation %s; testing\n", run.model->name().c_str(), run.report.epochs,
              duration_text(run.report.seconds).c_str(), fixed_text(run.report.validation, 3).c_str());
  std::fflush(stdout);
  write_results(run, data);
  std::printf("%s holds model.safetensors, metrics.json, report.html, log.jsonl and overlays/\n",
              arguments.out.c_str());
}

}  // namespace aixcell::program
