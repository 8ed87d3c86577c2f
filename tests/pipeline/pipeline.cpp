#include <aixcell/pipeline/pipeline.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

#include <aixcell/pipeline/fit.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/only_channels.hpp>
#include <aixcell/preprocess/stain_separation.hpp>

namespace aixcell::test {

TEST_CASE("a pipeline is named after its stages", "[pipeline]") {
  CHECK(toy_pipeline().name() == "percentile+plain2x4+unet+interior_border");
}

TEST_CASE("the dry estimate is what the pipeline really takes", "[pipeline]") {
  const precision stored = GENERATE(precision::float32, precision::bfloat16);
  const recomputation recompute = GENERATE(recomputation::none, recomputation::selective, recomputation::full);
  const shape batch = GENERATE(shape{1, 16, 16, 1}, shape{2, 33, 47, 1}, shape{4, 96, 96, 1}, shape{1, 1, 1, 1});
  CAPTURE(to_string(batch), to_string(stored), static_cast<int>(recompute));
  toy_pipeline model;
  const compute_settings how(stored, recompute);
  context<cpu> ctx(1, how);
  model.set_up(ctx, {.channels = 1});
  const std::size_t weights = ctx.memory().use().held;
  const resource_estimate estimate = model.estimate(batch, how);

  double parameters = 0, bytes = 0;
  for (const network_tensor& t : model.tensors()) {
    parameters += t.gradient ? static_cast<double>(t.value->size()) : 0;
    bytes += 4 * static_cast<double>(t.value->size());
  }
  CHECK(estimate.parameters == parameters);
  CHECK(static_cast<double>(estimate.gradient_bytes) == 4 * parameters);
  CHECK(static_cast<double>(estimate.weight_bytes) == bytes);

  const auto held = [&] { return static_cast<double>(ctx.memory().use().held - weights); };
  const tensor<float> x = tensor<float>::zeros(ctx, batch);
  model.forward(ctx, x);
  const auto inference = static_cast<double>(estimate.inference_bytes);
  CHECK(held() == Approx(inference).epsilon(0.05).margin(1024));
  const shape truth{batch[0], batch[1], batch[2], model.postprocess_policy().target_channels()};
  const auto made = tensor<float>::zeros(ctx, truth), target = tensor<float>::zeros(ctx, truth);
  model.learn(ctx, x, target);
  const auto training = static_cast<double>(estimate.training_bytes);
  CHECK(held() == Approx(training).epsilon(0.05).margin(1024));
  model.learn(ctx, x, target);  // a second step finds the memory of the first
  CHECK(held() == Approx(training).epsilon(0.05).margin(1024));
  CHECK(estimate.training.flops > 2.5 * estimate.inference.flops);
}

TEST_CASE("tunables carry the stage, the range and whether they decode", "[pipeline]") {
  toy_pipeline model;
  const auto all = model.tunables();
  const auto named = [&](std::string_view name) {
    return std::find_if(all.begin(), all.end(), [&](const tunable& t) { return t.name == name; });
  };
  REQUIRE(named("preprocess.low") != all.end());
  CHECK_FALSE(named("preprocess.low")->decodes_only);
  CHECK(std::any_of(all.begin(), all.end(), [](const tunable& t) { return t.decodes_only; }));
  named("preprocess.low")->set(2.5);
  CHECK(model.preprocess_policy().low == 2.5f);
  for (const tunable& t : all) {
    CAPTURE(t.name);
    CHECK(t.low <= t.get());
    CHECK(t.get() <= t.high);
  }
}

TEST_CASE("equal seeds give equal weights", "[pipeline]") {
  context<cpu> ctx(1);
  toy_pipeline a, b, c;
  a.set_up(ctx, {.channels = 2, .seed = 5});
  b.set_up(ctx, {.channels = 2, .seed = 5});
  c.set_up(ctx, {.channels = 2, .seed = 6});
  const auto flat = [](any_pipeline& m) {
    std::vector<float> all;
    for (const network_tensor& t : m.tensors()) all.insert(all.end(), t.value->begin(), t.value->end());
    return all;
  };
  CHECK(flat(a) == flat(b));
  CHECK(flat(a) != flat(c));
}

TEST_CASE("a pipeline says which numbers of channels it accepts, before any work", "[pipeline]") {
  context<cpu> ctx(1);
  pipeline<chain<stain_separation, percentile>, plain<2, 4>, unet, interior_border> coloured;
  CHECK(coloured.accepts_channels(3));
  CHECK_FALSE(coloured.accepts_channels(1));
  CHECK(toy_pipeline().accepts_channels(7));
  CHECK_THROWS_WITH(coloured.set_up(ctx, {.channels = 1}), Catch::Contains(coloured.name()) && Catch::Contains("1 channel"));
  CHECK_THROWS_WITH(setup_for(coloured, discs_dataset(2), 1),
                    Catch::StartsWith("discs: pipeline " + coloured.name() + " does not work on images of 1 channel"));
  CHECK_NOTHROW(coloured.set_up(ctx, {.channels = 3}));

  pipeline<only_channels<1, 2>, plain<2, 4>, unet, interior_border> selecting;
  selecting.set_up(ctx, {.channels = 5});
  tensor<float> pixels({9, 7, 5});
  pixels.fill(1);
  CHECK(selecting.forward(ctx, selecting.preprocess(ctx, pixels).reshaped({1, 9, 7, 2})).extent(1) == 9);
}

}  // namespace aixcell::test
