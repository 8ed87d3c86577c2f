#include <aixcell/quantify/choose_classifier.hpp>
#include "quantify/discs.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

/// Finds what is brighter than 50 in the first channel; an object's class is what the second channel says, times 10.
struct threshold_model : any_pipeline {
  pipeline_setup facts{.channels = 2, .pixel_classes = 2, .object_classes = 2, .seed = 0};
  bool classes = true;

  std::string name() const override { return "threshold"; }
  task solves() const override { return task::instance_segmentation; }
  bool needs_nuclei() const override { return false; }
  bool needs_object_classes() const override { return classes; }
  bool needs_image_classes() const override { return false; }
  const pipeline_setup& setup() const override { return facts; }
  resource_estimate estimate(const shape&, const compute_settings&) const override { return {}; }
  trace record(const shape&) const override { return {}; }
  std::unique_ptr<any_pipeline> blank() const override { return std::make_unique<threshold_model>(*this); }
  void set_up(context<cpu>&, const pipeline_setup& s) override { facts = s; }
  void fit_preprocess(context<cpu>&, const example_source&) override {}
  double learn(context<cpu>&, const tensor<float>&, const tensor<float>&) override { return 0; }
  tensor<float> preprocess(context<cpu>&, view<const float, cpu> pixels) const override {
    tensor<float> copy(pixels.shape());
    std::copy(pixels.begin(), pixels.end(), copy.begin());
    return copy;
  }
  tensor<float> forward(context<cpu>&, const tensor<float>& x) const override { return x; }
  tensor<float> target(context<cpu>&, const annotation&) const override { return {}; }
  prediction decode(context<cpu>&, view<const float, cpu> dense) const override {
    const index_t height = dense.extent(0), width = dense.extent(1);
    tensor<std::uint8_t> mask({height, width});
    for (index_t i = 0; i < mask.size(); ++i) mask[i] = dense[2 * i] > 50;
    prediction found;
    found.labels = label_map({height, width});
    found.objects.resize(static_cast<std::size_t>(connected_components(mask, connectivity::four, found.labels)));
    for (index_t i = 0; i < mask.size(); ++i)
      if (found.labels[i] > 0) {
        detected_object& o = found.objects[static_cast<std::size_t>(found.labels[i] - 1)];
        o.object_class = static_cast<int>(std::lround(dense[2 * i + 1] / 10));
        o.class_probabilities = {o.object_class == 0 ? 0.7f : 0.3f, o.object_class == 1 ? 0.7f : 0.3f};
      }
    return found;
  }
  void restore_directions(view<float, cpu>, mirror) const override {}
  std::vector<tunable> tunables() override { return {}; }
  std::vector<fitted_value> fitted_values() override { return {}; }
  std::vector<network_tensor> tensors() override { return {}; }
};

struct field_options {
  bool shapes_tell = true;    ///< class 1 is two touching discs, else every object is one
  bool channel_tells = true;  ///< the second channel holds the class, else always 0
};

dataset fields(index_t count, field_options options, std::uint64_t seed) {
  std::vector<example> all;
  random_stream random(seed);
  for (index_t k = 0; k < count; ++k) {
    example e;
    e.truth.labels = label_map({120, 120});
    for (int i = 0; i < 9; ++i) {
      const int c = random.chance(0.4f);
      const double y = 20 + 40 * (i / 3), x = 20 + 40 * (i % 3), turn = static_cast<double>(random.uniform(0, 3));
      const double apart = options.shapes_tell && c == 1 ? 7 : 0, size = static_cast<double>(random.uniform(7, 10));
      draw(e.truth.labels, {y + apart * std::sin(turn), x + apart * std::cos(turn), size, size, 0}, i + 1);
      draw(e.truth.labels, {y - apart * std::sin(turn), x - apart * std::cos(turn), size, size, 0}, i + 1);
      e.truth.object_class.push_back(c);
    }
    e.picture.pixels = tensor<float>({120, 120, 2});
    for (index_t p = 0; p < e.truth.labels.size(); ++p) {
      const std::int32_t l = e.truth.labels[p];
      e.picture.pixels[2 * p] = l > 0 ? 100.0f : 10.0f;
      if (l > 0 && options.channel_tells)
        e.picture.pixels[2 * p + 1] = 10.0f * static_cast<float>(e.truth.object_class[static_cast<std::size_t>(l - 1)]);
    }
    all.push_back(std::move(e));
  }
  return dataset::from_examples("fields", std::move(all), {"one", "two"});
}

const choose_options plainly{.predict = {.mirrored = false}};

}  // namespace

TEST_CASE("shapes are taken where the pixels do not tell the class", "[quantify]") {
  context<cpu> ctx(1);
  const field_options shapes{.shapes_tell = true, .channel_tells = false};
  const dataset train = fields(6, shapes, 1), validation = fields(4, shapes, 2);
  const class_rule rule = choose_class_rule(ctx, threshold_model{}, train, validation, plainly);
  CHECK(rule.source == class_source::shape);
  CHECK(rule.chosen().among_all().estimate > 0.95);
  CHECK(rule.validation[0].confusion.balanced_accuracy() == 0.5);
  CHECK(rule.validation[0].matched == 36);
  CHECK(rule.channels == std::vector<std::string>{"channel_1", "channel_2"});

  SECTION("and applied to new images, also after a journey through a file") {
    const class_rule read = class_rule_from_json(nlohmann::json::parse(to_json(rule).dump()), "file");
    CHECK(read.source == rule.source);
    CHECK(read.chosen().confusion.count({1, 1}) == rule.chosen().confusion.count({1, 1}));
    const dataset fresh = fields(3, shapes, 3);
    object_class_scores scores;
    for (index_t i = 0; i < fresh.size(); ++i) {
      const example e = fresh.load(i);
      prediction found = predict(ctx, threshold_model{}, e.picture);
      prediction again = found;
      apply_class_rule(rule, e.picture.pixels, found);
      apply_class_rule(read, e.picture.pixels, again);
      for (std::size_t o = 0; o < found.objects.size(); ++o) {
        CHECK(found.objects[o].class_probabilities == again.objects[o].class_probabilities);
        CHECK(found.objects[o].class_probabilities[0] + found.objects[o].class_probabilities[1] == Approx(1));
      }
      scores += score_object_classes(e.truth, found, {.classes = 2});
    }
    CHECK(scores.among_all().estimate > 0.95);
    prediction none;
    none.objects.resize(1);
    none.labels = label_map({4, 4});
    CHECK_THROWS_AS(apply_class_rule(rule, tensor<float>({4, 4, 1}), none), data_error);
  }
  SECTION("damaged descriptions are refused") {
    const nlohmann::json j = to_json(rule);
    for (const char* part : {"chosen", "classes", "channels", "validation", "shape"}) {
      nlohmann::json damaged = j;
      damaged.erase(part);
      CHECK_THROWS_AS(class_rule_from_json(damaged, "file"), data_error);
    }
    nlohmann::json damaged = j;
    damaged["chosen"] = "dice";
    CHECK_THROWS_AS(class_rule_from_json(damaged, "file"), data_error);
    damaged = j;
    damaged["channels"] = {"one"};
    CHECK_THROWS_AS(class_rule_from_json(damaged, "file"), data_error);
  }
}

TEST_CASE("the model's own classes stay where nothing is better", "[quantify]") {
  context<cpu> ctx(1);
  const field_options pixels{.shapes_tell = false, .channel_tells = true};
  const class_rule rule =
      choose_class_rule(ctx, threshold_model{}, fields(4, pixels, 1), fields(3, pixels, 2), plainly);
  CHECK(rule.source == class_source::pixels);
  CHECK(rule.chosen().among_all().estimate == 1);
  const example e = fields(1, pixels, 5).load(0);
  prediction found = predict(ctx, threshold_model{}, e.picture);
  const prediction before = found;
  apply_class_rule(rule, e.picture.pixels, found);
  for (std::size_t o = 0; o < found.objects.size(); ++o)
    CHECK(found.objects[o].class_probabilities == before.objects[o].class_probabilities);
}

TEST_CASE("choosing needs a model with classes and can be stopped", "[quantify]") {
  context<cpu> ctx(1);
  const dataset some = fields(2, {}, 1);
  threshold_model without;
  without.classes = false;
  CHECK_THROWS_AS(choose_class_rule(ctx, without, some, some, plainly), data_error);
  choose_options stop = plainly;
  stop.stop_requested = [] { return true; };
  CHECK_THROWS_AS(choose_class_rule(ctx, threshold_model{}, some, some, stop), interrupted);
}

TEST_CASE("classes follow from nuclei where none are given", "[quantify]") {
  annotation truth;
  truth.labels = with_ellipses(30, 90, {{15, 15, 12, 10, 0}, {15, 45, 12, 10, 0}, {15, 75, 12, 10, 0}});
  CHECK(known_classes(truth).empty());
  truth.nuclei = with_ellipses(30, 90, {{15, 15, 4, 4, 0}, {15, 40, 3, 3, 0}, {15, 50, 3, 3, 0}});
  CHECK(known_classes(truth) == std::vector<int>{0, 1, -1});
  truth.object_class = {1, 1, 1};
  CHECK(known_classes(truth) == std::vector<int>{1, 1, 1});
}
