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

}  // namespace aixcell::test
