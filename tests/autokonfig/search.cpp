#include <aixcell/autokonfig/search.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

#include <aixcell/library/registry.hpp>

namespace aixcell::test {

TEST_CASE("as many candidates are tried as leave each its least time", "[autokonfig]") {
  const search_options options{.least_trial_s = 20, .at_most = 8};
  CHECK(detail::affordable_candidates(50, 1e6, options) == 8);
  CHECK(detail::affordable_candidates(3, 1e6, options) == 3);
  CHECK(detail::affordable_candidates(50, 10, options) == 1);
  CHECK(detail::affordable_candidates(50, 160, options) == 4);  // two rounds of 80 s: 4 x 20 s, then 2 x 40 s
}

TEST_CASE("search tries candidates, keeps the better half and trains the winner", "[autokonfig]") {
  pipeline_list list;
  add_product(list, stages<percentile>, stages<plain<2, 4>>, stages<unet>, stages<interior_border, star_convex<8>>);
  const dataset data = discs_dataset(6);
  context<cpu> ctx(2);
  requirements wanted{.budget_s = 3};
  fit_options fitting;
  fitting.validation_share = 0.34;
  fitting.training.tile = 32;
  fitting.training.crops_per_epoch = 8;
  fitting.training.batch = 4;
  const scratch_folder folder("search");
  const auto candidates = recommend(list, fingerprint_of(ctx, data), wanted, {1e11, 1e10}, {4, 32, 32, 1});
  const auto run = [&] {
    return search_pipeline(ctx, candidates, data, wanted, fitting, folder.path, {.least_trial_s = 0.2});
  };

  // Stopped in the first trial: what is on disk lets the search go on.
  int epochs = 0;
  fitting.on_epoch = [&](const epoch_report&) {
    if (++epochs == 2) throw interrupted("stop");
  };
  CHECK_THROWS_AS(run(), interrupted);
  REQUIRE(std::filesystem::exists(folder.path / "search.json"));
  fitting.on_epoch = {};
  const search_result found = run();
  REQUIRE(found.model != nullptr);
  REQUIRE(found.trials.size() == 2);
  CHECK(found.trials[0].rounds == 1);
  CHECK(found.trials[1].rounds == 1);
  CHECK(found.report.epochs > 2);
  CHECK(found.model->setup().channels == 1);
  CHECK(predict(ctx, *found.model, data.load(0).picture).labels.shape() == shape{48, 48});
}

TEST_CASE("search without a fitting candidate says what is missing", "[autokonfig]") {
  pipeline_list list;
  add_product(list, stages<percentile>, stages<plain<2, 4>>, stages<unet>, stages<interior_border>);
  const dataset data = discs_dataset(3);
  context<cpu> ctx(1);
  const requirements wanted{.memory_bytes = 1000};
  const auto candidates = recommend(list, fingerprint_of(ctx, data), wanted, {1e11, 1e10}, {1, 32, 32, 1});
  const scratch_folder folder("search");
  CHECK_THROWS_WITH(search_pipeline(ctx, candidates, data, wanted, {}, folder.path),
                    Catch::Contains("no pipeline fits") && Catch::Contains("predicted memory"));
}

}  // namespace aixcell::test
