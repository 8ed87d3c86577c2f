// A pipeline of whole-image classes, from training to its file.
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/pipeline/fit.hpp>
#include <aixcell/pipeline/model_file.hpp>
#include <aixcell/pipeline/training.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/semantic.hpp>
#include <aixcell/postprocess/with_image_class.hpp>
#include <aixcell/preprocess/z_score.hpp>

#include "pipeline/toy.hpp"
#include "support/catch.hpp"

#include <unistd.h>

namespace aixcell::test {

namespace {

using classifier = pipeline<percentile, plain<2, 4>, pooled, image_class>;

/// Noise with one or two bright spots: class 0 or 1.
example spots(int count, random_stream random, index_t height = 20, index_t width = 20) {
  example e;
  e.picture.pixels = tensor<float>({height, width, 1});
  for (float& v : e.picture.pixels) v = 20 + 4 * random.normal();
  for (int k = 0; k < count; ++k) {
    const index_t row = height / 2 - 2 + random.below(4), column = (2 * k + 1) * width / (2 * count) - 2 + random.below(4);
    for (index_t i = row - 2; i <= row + 2; ++i)
      for (index_t j = column - 2; j <= column + 2; ++j) e.picture.pixels(i, j, 0) += 100;
  }
  e.truth.image_class = count - 1;
  return e;
}

/// Every sixth image has two spots.
dataset spots_dataset(int images, std::uint64_t seed) {
  std::vector<example> all;
  for (int i = 0; i < images; ++i)
    all.push_back(spots(i % 6 == 0 ? 2 : 1, random_stream(seed).child(static_cast<std::uint64_t>(i))));
  return dataset::from_examples("spots", std::move(all), {"one", "two"}, task::image_classification);
}

training_options plan(int epochs) {
  training_options o;
  o.epochs = epochs;
  o.batch = 8;
  o.crops_per_epoch = 64;
  o.average_decay = 0.9;
  o.adamw.learning_rate = 5e-3f;
  o.seed = 3;
  return o;
}

}  // namespace

TEST_CASE("a classifier learns a rare class and travels as a file", "[pipeline]") {
  context<cpu> ctx(2);
  classifier model;
  CHECK(model.name() == "percentile+plain2x4+pooled+image_class");
  CHECK(model.needs_image_classes());
  const dataset train = spots_dataset(72, 1), test = spots_dataset(60, 2);
  std::vector<double> validation;
  fit(ctx, model, train, {.training = plan(10), .on_epoch = [&](const epoch_report& r) {
                            validation.push_back(r.validation);
                          }});
  CHECK(validation.size() == 10);
  const evaluation e = evaluate(ctx, model, test);
  CHECK(e.image_classes.total() == 60);
  CHECK(e.score() == e.image_classes.balanced_accuracy());
  CHECK(e.score() > 0.9);

  const auto file = std::filesystem::temp_directory_path() / ("aixcell_classes_" + std::to_string(::getpid()));
  model_card card;
  card.image_class_names = train.image_class_names;
  save_model(file, model, card);
  classifier again;
  CHECK(load_model_into(ctx, file, again).image_class_names == train.image_class_names);
  std::filesystem::remove(file);
  for (index_t i = 0; i < 5; ++i) {
    const image picture = test.load(i).picture;
    const prediction a = predict(ctx, model, picture), b = predict(ctx, again, picture);
    CHECK(a.image_class_probabilities == b.image_class_probabilities);
    CHECK(a.labels.empty());
  }
}

TEST_CASE("a large image is the mean of its tiles, a mirrored one of its mirror images", "[pipeline]") {
  context<cpu> ctx(1);
  classifier model;
  model.set_up(ctx, {.channels = 1, .image_classes = 2, .seed = 5});
  tensor<float> pixels({64, 32, 1});
  random_stream random(8);
  for (float& v : pixels) v = random.normal();
  const tensor<float> dense = predict_dense(ctx, model, pixels, {.tile = 32, .overlap = 0});
  REQUIRE(dense.shape() == shape{1, 1, 2});
  for (index_t c = 0; c < 2; ++c) {
    const auto half = [&](index_t top) {
      return predict_dense(ctx, model, crop_reflected(pixels, {top, 0, 32, 32}), {.tile = 32, .overlap = 0})[c];
    };
    CHECK(dense[c] == Approx((half(0) + half(32)) / 2).epsilon(1e-5));
  }
  CHECK(predict_dense(ctx, model, pixels, {.mirrored = true}).shape() == shape{1, 1, 2});
}

TEST_CASE("crops show whole images, rare classes more often, and training repeats bit for bit", "[pipeline]") {
  const dataset data = spots_dataset(24, 4);
  const auto weights = [&](int threads) {
    context<cpu> ctx(threads);
    classifier model;
    model.set_up(ctx, setup_for(model, data, 3));
    // 20 images of one class, 4 of the other: seen 20 and 4 x round(sqrt(5)) times.
    CHECK(model.setup().image_class_shares[1] == Approx(8.0 / 28));
    training_options options = plan(1);
    options.crops_per_epoch = 0;
    training run(ctx, model, data, data, options);
    CHECK(run.options().tile == 20);
    run.run_epoch();
    std::vector<float> all;
    for (const network_tensor& t : model.tensors()) all.insert(all.end(), t.value->begin(), t.value->end());
    return all;
  };
  CHECK(weights(1) == weights(3));
}

TEST_CASE("shapes and the class of the image with one network", "[pipeline]") {
  context<cpu> ctx(2);
  std::vector<example> all;
  for (int i = 0; i < 12; ++i) {
    example e = discs(32, 32, 2, random_stream(11).child(static_cast<std::uint64_t>(i)));
    for (std::int32_t& label : e.truth.labels) label = label > 0;
    if (i % 2)
      for (float& v : e.picture.pixels) v = 255 - v;
    all.push_back(std::move(e));
  }
  dataset data = dataset::from_examples("smears", all, {"background", "cell"}, task::semantic_segmentation);
  pipeline<percentile, plain<2, 4>, unet, with_image_class<semantic>> model;
  CHECK_THROWS_WITH(setup_for(model, data, 1), Catch::Contains("needs a class for each image"));
  data.image_class_names = {"bright", "dark"};
  for (std::size_t i = 0; i < data.samples.size(); ++i)
    data.samples[i].read = [e = all[i], i]() mutable {
      e.truth.image_class = static_cast<int>(i % 2);
      return e;
    };
  data = dataset::checked(ctx, std::move(data));
  training_options options = plan(15);
  options.tile = 32;
  fit(ctx, model, data, {.training = options, .validation_share = 0.3});
  const evaluation e = evaluate(ctx, model, data);
  CHECK(e.image_classes.total() == 12);
  CHECK(e.image_classes.balanced_accuracy() > 0.9);
  CHECK(e.score() == Approx((scores_of(e.pixels).mean_iou + e.image_classes.balanced_accuracy()) / 2));
}

TEST_CASE("a classifier is refused data without classes, and other pipelines data without masks", "[pipeline]") {
  const auto refusal = [](const any_pipeline& model, const dataset& data) -> std::string {
    try {
      setup_for(model, data, 1);
    } catch (const data_error& e) {
      return e.what();
    }
    return "";
  };
  CHECK_THAT(refusal(classifier(), discs_dataset(2)), Catch::Contains("needs a class for each image"));
  CHECK_THAT(refusal(toy_pipeline(), spots_dataset(12, 1)), Catch::Contains("needs masks"));
}

}  // namespace aixcell::test
