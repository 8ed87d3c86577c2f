// Training with the network on a device, against the processor alone: data, targets and decoding are the same code.
#include <aixcell/device/emulated.hpp>
#include <aixcell/pipeline/gpu/networks_on.hpp>
#include <aixcell/pipeline/checkpoint.hpp>
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/with_image_class.hpp>
#include <unistd.h>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

std::shared_ptr<compute_device> emulated_device() {
  auto device = std::make_shared<networks_on<emulated>>("emulated", context<emulated>());
  device->add<plain<2, 4>, unet>().add<plain<2, 4>, pooled>();
  return device;
}

using toy_classifier = pipeline<percentile, plain<2, 4>, pooled, image_class>;
using toy_map_and_class = pipeline<percentile, plain<2, 4>, unet, with_image_class<interior_border>>;

/// Images of one disc and of several, which is their class.
dataset classified_discs(int images) {
  context<cpu> ctx(1);
  dataset data = test::discs_dataset(images, 40, 36);
  data.image_class_names = {"one", "several"};
  for (std::size_t i = 0; i < data.samples.size(); ++i)
    data.samples[i].read = [many = static_cast<int>(i % 2), seed = i] {
      example e = test::discs(40, 36, many ? 4 : 1, random_stream(11).child(seed));
      e.truth.image_class = many;
      return e;
    };
  return dataset::checked(ctx, std::move(data));
}

context<cpu> with_networks_on(std::shared_ptr<compute_device> device, precision stored) {
  context<cpu> ctx(1, stored);
  ctx.run_networks_on(std::move(device));
  return ctx;
}

training_options ten_steps(optimiser kind = optimiser::adamw) {
  training_options o;
  o.epochs = 1, o.batch = 2, o.tile = 32, o.crops_per_epoch = 20;
  o.optimiser = kind;
  o.average_decay = 0.5;  // weights that have moved
  return o;
}

/// What a run of one epoch gives, and what it says of an image that it did not see.
struct outcome {
  epoch_report report;
  bool cut_on_device;
  prediction of_another;
  std::vector<tensor<float>> weights;
};

template <class Pipeline>
outcome outcome_of(context<cpu>& ctx, const training_options& options) {
  const dataset data = classified_discs(4);
  const split_result parts = split(data, {.validation = 0.25, .seed = 0});
  Pipeline model;
  model.set_up(ctx, {.channels = 1, .image_classes = 2, .seed = 3, .image_class_shares = {0.7f, 0.3f}});
  model.fit_preprocess(ctx, parts.train);
  training run(ctx, model, parts.train, parts.validation, options);
  outcome found;
  found.report = run.run_epoch();
  found.cut_on_device = run.cuts_on_device();
  run.keep_best();
  found.of_another = predict(ctx, model, test::discs(45, 37, 4, random_stream(77)).picture);
  for (const network_tensor& t : model.tensors()) found.weights.push_back(t.value->clone());
  return found;
}

/// A postprocess whose loss is code, not data.
struct odd_one : image_class {
  static constexpr std::string_view name = "odd_one";
  void loss_terms(channel_offsets) const = delete;
};

double objects_in(const label_map& labels) { return *std::max_element(labels.begin(), labels.end()); }

}  // namespace

TEMPLATE_TEST_CASE("ten steps and a prediction on a device are those of the processor", "[pipeline][gpu]",
                   test::toy_pipeline, test::toy_star_pipeline, toy_classifier, toy_map_and_class) {
  for (const optimiser kind : {optimiser::adamw, optimiser::sgd}) {
    context<cpu> here(1, precision::float32), there = with_networks_on(emulated_device(), precision::float32);
    const outcome expected = outcome_of<TestType>(here, ten_steps(kind)), found = outcome_of<TestType>(there, ten_steps(kind));
    CAPTURE(expected.report.loss, found.report.loss);
    CHECK(found.cut_on_device);
    CHECK_FALSE(expected.cut_on_device);
    CHECK(std::abs(found.report.loss - expected.report.loss) <= 1e-4 * expected.report.loss);
    CHECK(found.report.validation == Approx(expected.report.validation).margin(1e-6));
    const prediction &a = found.of_another, &b = expected.of_another;
    if (TestType().solves() != task::image_classification) {
      CHECK(test::unlike(a.labels, b.labels) == 0);
      CHECK(objects_in(b.labels) > 0);
    }
    CHECK(a.image_class == b.image_class);
    REQUIRE(a.image_class_probabilities.size() == (TestType().needs_image_classes() ? 2 : 0));
    for (std::size_t c = 0; c < a.image_class_probabilities.size(); ++c)
      CHECK(a.image_class_probabilities[c] == Approx(b.image_class_probabilities[c]).margin(1e-4));
  }
}

TEST_CASE("crops of images that nobody keeps are cut on the processor and sent", "[pipeline][gpu]") {
  context<cpu> ctx = with_networks_on(emulated_device(), precision::float32);
  training_options nothing_kept = ten_steps();
  nothing_kept.cache_bytes = 0;
  const outcome expected = outcome_of<test::toy_pipeline>(ctx, ten_steps()),
                found = outcome_of<test::toy_pipeline>(ctx, nothing_kept);
  CHECK_FALSE(found.cut_on_device);
  CHECK(std::abs(found.report.loss - expected.report.loss) <= 1e-4 * expected.report.loss);
}

TEST_CASE("a device keeps images that take no more than a quarter of its memory", "[pipeline][gpu]") {
  context<emulated> small;
  small.memory().limit(std::size_t{1} << 20);
  networks_on<emulated> device("emulated", small);
  device.add<plain<2, 4>, unet>();
  const auto net = device.make({.encoder = plain<2, 4>::name, .decoder = unet::name, .head = {}, .compute = precision::float32});
  const tensor<float> half({256, 128, 1}), more({256, 129, 1});  // 128 KiB
  const std::size_t before = small.memory().use().live;
  CHECK(net->keep({&half, &half}));
  CHECK(small.memory().use().live == before);  // let go at once
  CHECK_FALSE(net->keep({&half, &more}));
}

namespace {

/// What a step takes of the emulated device, measured, and what a dry run says.
template <class Real>
void check_step_bytes(const shape& batch, const compute_settings& how) {
  context<emulated> ctx(schedule::forward(), how);
  random_stream none = random_stream(0).unwanted();
  const output_head head{.channels = 3};
  network<plain<2, 4>, unet, emulated, Real> net(ctx, static_cast<int>(batch[3]), head, none);
  for_each_parameter(net, [&](std::string_view, auto& p) { fill_values(ctx, p.value.as_view(), 0); });
  const std::size_t weights = ctx.memory().use().live;
  const shape targets{batch[0], batch[1], batch[2], 3};
  tensor<float, emulated> x(ctx, batch);
  const tensor<float, emulated> target(ctx, targets);
  fill_values(ctx, x.as_view(), 0);
  net.learn(ctx, x, [&](const auto&, auto& gradient) { return fill_values(ctx, gradient.as_view(), 0), 0.0; });
  const auto taken = static_cast<double>(ctx.memory().use().peak - weights);
  // Blocks of a GPU begin at multiples of 64 bytes.
  const auto predicted = static_cast<double>(step_bytes<plain<2, 4>, unet, Real>({batch, targets, head, how}));
  CHECK(predicted >= taken);
  CHECK(predicted <= 1.01 * taken);
}

}  // namespace

TEST_CASE("what a step takes of a device is known before it is taken", "[pipeline][gpu]") {
  for (const recomputation again : {recomputation::none, recomputation::selective, recomputation::full}) {
    check_step_bytes<float>({1, 32, 32, 1}, {precision::float32, again});
    check_step_bytes<float>({2, 33, 29, 2}, {precision::float32, again});
    check_step_bytes<bfloat16>({2, 32, 32, 1}, {precision::bfloat16, again});
  }
}

TEST_CASE("a training without room on the device says what would fit, before a step", "[pipeline][gpu]") {
  context<emulated> small;
  const auto device = std::make_shared<networks_on<emulated>>("emulated", small);
  device->add<plain<2, 4>, unet>();
  context<cpu> ctx(1, precision::float32);
  ctx.run_networks_on(device);
  small.memory().limit(std::size_t{400} << 10);
  CHECK_THROWS_WITH(
      outcome_of<test::toy_pipeline>(ctx, ten_steps()),
      Catch::Contains("training: a step on 2 crops of 32x32 takes ") &&
          Catch::Contains(" of the device's memory, 400.0 KiB of 400.0 KiB are free; a batch of 1 would take ") &&
          Catch::Contains(", what is quick computed again (--recompute selective) would take ") &&
          Catch::Contains(", bfloat16 would take ") &&
          Catch::Contains(", or lower the crop, or end other programs on this device"));
  small.memory().limit(std::size_t{100} << 10);
  CHECK_THROWS_WITH(outcome_of<test::toy_pipeline>(ctx, ten_steps()),
                    Catch::Contains("are free; lower batch and crop, or end other programs on this device"));
}

TEST_CASE("ten steps on a device in bfloat16 or TF32 end where float32 does, about", "[pipeline][gpu]") {
  const precision how = GENERATE(precision::bfloat16, precision::tf32);
  context<cpu> here(1, precision::float32), there = with_networks_on(emulated_device(), how);
  const outcome expected = outcome_of<test::toy_pipeline>(here, ten_steps()),
                found = outcome_of<test::toy_pipeline>(there, ten_steps());
  CAPTURE(to_string(how), expected.report.loss, found.report.loss);
  CHECK(std::abs(found.report.loss - expected.report.loss) <= 0.02 * expected.report.loss);
}

TEST_CASE("a run that changes device goes on with its moments", "[pipeline][gpu]") {
  const auto path =
      std::filesystem::temp_directory_path() / ("aixcell_change_device_" + std::to_string(::getpid()));
  const dataset data = test::discs_dataset(4, 40, 36);
  const split_result parts = split(data, {.validation = 0.25, .seed = 0});
  training_options plan = ten_steps();
  plan.epochs = 2, plan.crops_per_epoch = 4;
  // Epoch 1 on one, epoch 2 on the other.
  const auto second_epoch = [&](context<cpu> first, context<cpu> second) {
    for (context<cpu>* ctx : {&first, &second}) {
      test::toy_pipeline model;
      model.set_up(*ctx, {.channels = 1, .seed = 3});
      model.fit_preprocess(*ctx, parts.train);
      training run(*ctx, model, parts.train, parts.validation, plan);
      if (ctx == &second) load_checkpoint(run, path);
      const epoch_report report = run.run_epoch();
      if (ctx == &second) return report.loss;
      save_checkpoint(run, path);
    }
    return 0.0;
  };
  const auto here = [] { return context<cpu>(1, precision::float32); };
  const auto there = [] { return with_networks_on(emulated_device(), precision::float32); };
  const double expected = second_epoch(here(), here());
  CHECK(std::abs(second_epoch(there(), here()) - expected) <= 1e-4 * expected);
  CHECK(std::abs(second_epoch(here(), there()) - expected) <= 1e-4 * expected);
  std::filesystem::remove(path);
}

TEST_CASE("what was not compiled for a device is refused, and so is a loss that is no list of terms", "[pipeline][gpu]") {
  context<cpu> ctx = with_networks_on(std::make_shared<networks_on<emulated>>("emulated", context<emulated>()),
                                      precision::float32);
  test::toy_pipeline model;
  CHECK_THROWS_WITH(model.set_up(ctx, {.channels = 1}),
                    "emulated: encoder plain2x4 with decoder unet was not compiled for this device; take another pipeline, "
                    "add the pair, or run it on the processor (--device cpu)");
  CHECK_THROWS_WITH(postprocess_stage<odd_one>().loss_terms(),
                    "postprocess odd_one has no loss for devices other than the processor; give it `loss_terms`, or "
                    "train with --device cpu");
}

}  // namespace aixcell
