#include <aixcell/pipeline/training.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

#include <aixcell/pipeline/checkpoint.hpp>
#include <aixcell/pipeline/fit.hpp>

namespace aixcell::test {

namespace {

training_options small_plan(int epochs, optimiser kind = optimiser::adamw) {
  training_options o;
  o.epochs = epochs;
  o.batch = 2;
  o.tile = 32;
  o.crops_per_epoch = 6;
  o.seed = 9;
  o.optimiser = kind;
  return o;
}

/// The bits of every weight, averaged weight, moment and counter, but for the times.
std::vector<std::uint32_t> bits_of(training& run) {
  std::vector<std::uint32_t> all;
  run.for_each_value([&](const std::string& name, auto& value) {
    if constexpr (requires { value.shape(); }) {
      for (const float v : value) all.push_back(std::bit_cast<std::uint32_t>(v));
    } else if (name.find("_s") == std::string::npos) {
      all.push_back(static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(value)));
    }
  });
  return all;
}

struct toy_run {
  explicit toy_run(int threads, const training_options& options) : ctx(threads) {
    model.set_up(ctx, {.channels = 1, .seed = options.seed});
    run.emplace(ctx, model, train, validation, options);
  }
  context<cpu> ctx;
  dataset train = discs_dataset(5), validation = discs_dataset(2);
  toy_pipeline model;
  std::optional<training> run;
};

}  // namespace

TEST_CASE("a resumed training equals an uninterrupted one, bit for bit", "[pipeline]") {
  const optimiser kind = GENERATE(optimiser::adamw, optimiser::sgd);
  toy_run whole(2, small_plan(4, kind));
  while (!whole.run->finished()) whole.run->run_epoch();

  const scratch_folder folder("training");
  const auto file = folder.path / "checkpoint.safetensors";
  toy_run first(2, small_plan(4, kind));
  first.run->run_epoch();
  first.run->run_epoch();
  save_checkpoint(*first.run, file);
  first.run->run_epoch();  // lost: after the checkpoint

  toy_run second(1, small_plan(4, kind));  // another number of threads, too
  load_checkpoint(*second.run, file);
  CHECK(second.run->epochs() == 2);
  while (!second.run->finished()) second.run->run_epoch();
  CHECK(second.run->epochs() == 4);
  CHECK(bits_of(*whole.run) == bits_of(*second.run));
}

TEST_CASE("a checkpoint of another run is refused", "[pipeline]") {
  const scratch_folder folder("training");
  const auto file = folder.path / "checkpoint.safetensors";
  toy_run a(1, small_plan(2));
  a.run->run_epoch();
  save_checkpoint(*a.run, file);
  context<cpu> ctx(1);
  toy_star_pipeline other;
  other.set_up(ctx, {.channels = 1});
  training run(ctx, other, a.train, a.validation, small_plan(2));
  CHECK_THROWS_AS(load_checkpoint(run, file), error);
}

TEST_CASE("training learns discs", "[pipeline]") {
  context<cpu> ctx(2);
  toy_pipeline model;
  fit_options options;
  options.training = small_plan(24);
  options.training.crops_per_epoch = 24;
  options.training.adamw.learning_rate = 5e-3f;
  options.validation_share = 0.25;
  std::vector<double> losses;
  options.on_epoch = [&](const epoch_report& r) { losses.push_back(r.loss); };
  const dataset data = discs_dataset(8);
  const fit_report report = fit(ctx, model, data, options);
  CHECK(report.epochs == 24);
  CHECK(report.training_images == 6);
  CHECK(losses.back() < 0.5 * losses.front());
  CHECK(evaluate(ctx, model, discs_dataset(3, 61, 40)).objects.summary()[0].pooled.average_precision > 0.6);
}

TEST_CASE("a budget ends the schedule with the time", "[pipeline]") {
  training_options o = small_plan(0);
  o.budget_s = 1.0;
  toy_run t(2, o);
  double before = -1;
  while (!t.run->finished()) {
    const epoch_report r = t.run->run_epoch();
    CHECK(r.progress >= before);
    before = r.progress;
  }
  CHECK(before == 1);
  CHECK(t.run->elapsed_s() < 10);  // generous: only a run that ignores its budget fails
  CHECK(t.run->cycle() == 0);
  t.run->restart(0.1);
  CHECK_FALSE(t.run->finished());
  CHECK(t.run->cycle() == 1);
}

TEST_CASE("the weights kept are the best of the second half of the schedule", "[pipeline]") {
  training_options o = small_plan(7);
  o.adamw.learning_rate = 0.05f;  // scores go up and down
  toy_run t(2, o);
  double best = -1;
  const auto follow = [&] {
    const epoch_report r = t.run->run_epoch();
    best = r.epoch <= 4 ? r.validation : std::max(best, r.validation);  // the fourth is the first of the second half
    CHECK(r.best == best);
  };
  while (!t.run->finished()) follow();
}

TEST_CASE("training stops on request and keeps earlier epochs", "[pipeline]") {
  training_options o = small_plan(3);
  bool stop = false;
  o.stop_requested = [&] { return stop; };
  toy_run t(1, o);
  t.run->run_epoch();
  stop = true;
  CHECK_THROWS_AS(t.run->run_epoch(), interrupted);
  CHECK(t.run->epochs() == 1);
}

}  // namespace aixcell::test
