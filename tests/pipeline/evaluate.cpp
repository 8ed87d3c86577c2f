#include <aixcell/pipeline/evaluate.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Images of several sizes, two of them too large to be held in the network's output together.
dataset mixed_sizes() {
  std::vector<example> all;
  for (const shape& s : {shape{30, 41}, shape{700, 800}, shape{48, 48}, shape{720, 800}, shape{17, 64}})
    all.push_back(discs(s[0], s[1], 6, random_stream(all.size())));
  return dataset::from_examples("mixed", std::move(all));
}

}  // namespace

TEST_CASE("evaluation equals predicting image after image", "[pipeline]") {
  const dataset data = mixed_sizes();
  toy_pipeline model;
  context<cpu> ctx(2), one(1);
  model.set_up(ctx, {.channels = 1, .seed = 3});
  evaluation expected = empty_evaluation(model);
  std::vector<label_map> labels;
  for (index_t i = 0; i < data.size(); ++i) {
    const example e = data.load(i);
    const prediction found = predict(one, model, e.picture);
    expected.add(e.truth, found);
    labels.push_back(found.labels);
  }
  std::vector<index_t> seen;
  const evaluation got =
      evaluate(ctx, model, data,
               {.predict = {}, .seen = [&](index_t i, const example& e, const prediction& p) {
                  seen.push_back(i);
                  CHECK(e.truth.labels.shape() == p.labels.shape());
                  CHECK(std::equal(p.labels.begin(), p.labels.end(), labels[static_cast<std::size_t>(i)].begin()));
                }});
  CHECK(seen == std::vector<index_t>{0, 1, 2, 3, 4});
  CHECK(got.images == expected.images);
  CHECK(got.score() == expected.score());
  CHECK(got.jaccard == expected.jaccard);
  CHECK(got.pixels.correct() == expected.pixels.correct());
}

TEST_CASE("a part of the images is spread evenly over the set", "[pipeline]") {
  const dataset data = discs_dataset(10, 16, 16);
  toy_pipeline model;
  context<cpu> ctx(2);
  model.set_up(ctx, {.channels = 1});
  std::vector<index_t> seen;
  const evaluate_options options{
      .predict = {}, .at_most = 4, .seen = [&](index_t i, const example&, const prediction&) { seen.push_back(i); }};
  CHECK(evaluate(ctx, model, data, options).images == 4);
  CHECK(seen == std::vector<index_t>{0, 2, 5, 7});
}

TEST_CASE("evaluations of parts add up", "[pipeline]") {
  const dataset data = discs_dataset(6, 24, 24);
  toy_pipeline model;
  context<cpu> ctx(2);
  model.set_up(ctx, {.channels = 1});
  evaluation sum = empty_evaluation(model);
  sum += evaluate(ctx, model, data.subset({0, 1, 2}));
  sum += evaluate(ctx, model, data.subset({3, 4, 5}));
  const evaluation whole = evaluate(ctx, model, data);
  CHECK(sum.images == 6);
  CHECK(sum.score() == whole.score());
  CHECK(sum.jaccard == whole.jaccard);
}

TEST_CASE("pixel classes are scored over all images and image by image", "[pipeline]") {
  evaluation e, other;
  e.solves = other.solves = task::semantic_segmentation;
  e.pixels = other.pixels = confusion_matrix(2);
  const auto add = [](evaluation& to, index_t right) {
    annotation truth;
    prediction found;
    truth.labels = label_map({1, 4});
    found.labels = label_map({1, 4});
    for (index_t p = 0; p < 2; ++p) truth.labels[p] = 1;
    for (index_t p = 0; p < right; ++p) found.labels[p] = 1;
    to.add(truth, found);
  };
  add(e, 2);
  add(other, 1);  // IoU 1/2 of class 1, 2/3 of class 0
  e += other;
  CHECK(e.images == 2);
  REQUIRE(e.mean_iou.size() == 2);
  CHECK(e.mean_iou[0] == 1);
  CHECK(e.mean_iou[1] == Approx((1.0 / 2 + 2.0 / 3) / 2));
  CHECK(e.score() == Approx((3.0 / 4 + 4.0 / 5) / 2));
}

}  // namespace aixcell::test
