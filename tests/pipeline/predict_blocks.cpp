#include <aixcell/pipeline/predict_blocks.hpp>
#include "pipeline/toy.hpp"
#include "support/catch.hpp"

#include <map>

#include <aixcell/pipeline/fit.hpp>

namespace aixcell::test {
namespace {

/// What a perfect model would say about a part of the truth: its objects in another order of numbers.
prediction seen_in(const label_map& truth, const rectangle& r, bool with_nuclei) {
  prediction p;
  p.labels = crop_reflected(truth, r);
  if (with_nuclei) p.nuclei = label_map({r.height, r.width});
  std::map<std::int32_t, std::int32_t> number;
  for (index_t i = p.labels.size(); i-- > 0;)
    if (std::int32_t& label = p.labels[i]; label > 0) {
      const auto [at, fresh] = number.emplace(label, static_cast<std::int32_t>(number.size() + 1));
      if (fresh) {
        p.objects.emplace_back();
        p.objects.back().object_class = label % 3;
      }
      if (with_nuclei) p.nuclei[i] = label % 2 == 1 ? at->second : 0;
      label = at->second;
    }
  return p;
}

/// Whether both have the same objects under whatever numbers; found -> expected.
std::map<std::int32_t, std::int32_t> numbers(const label_map& found, const label_map& expected) {
  REQUIRE(found.shape() == expected.shape());
  std::map<std::int32_t, std::int32_t> there, back;
  bool same = true;
  for (index_t i = 0; i < found.size(); ++i) {
    same = same && there.emplace(found[i], expected[i]).first->second == expected[i];
    same = same && back.emplace(expected[i], found[i]).first->second == found[i];
  }
  CHECK(same);
  CHECK(there[0] == 0);
  return there;
}

label_map truth_of(index_t height, index_t width, std::uint64_t seed) {
  return discs(height, width, 60, random_stream(seed)).truth.labels;
}

prediction joined(const label_map& truth, task solves, tile_options cut, bool with_nuclei = false) {
  detail::joined_blocks canvas(solves, truth.extent(0), truth.extent(1), cut.overlap);
  for (const rectangle& r : tile_grid(truth.extent(0), truth.extent(1), cut))
    canvas.add(r, seen_in(truth, r, with_nuclei));
  return canvas.finish();
}

}  // namespace

TEST_CASE("blocks: objects that fit into the overlap come back whole, once, with what is known of them", "[pipeline]") {
  const auto seed = GENERATE(range<std::uint64_t>(1, 5));
  const tile_options cut = GENERATE(tile_options{64, 20}, tile_options{48, 24}, tile_options{90, 30}, tile_options{500, 60});
  const label_map truth = truth_of(150, 211, seed);
  const prediction found = joined(truth, task::instance_segmentation, cut, true);
  for (const auto& [number, label] : numbers(found.labels, truth))
    if (number > 0) CHECK(found.objects[static_cast<std::size_t>(number - 1)].object_class == label % 3);
  std::map<std::int32_t, std::int32_t> cell_of;
  for (index_t i = 0; i < truth.size(); ++i) {
    REQUIRE((found.nuclei[i] > 0) == (truth[i] % 2 == 1));
    if (found.nuclei[i] > 0) REQUIRE(cell_of.emplace(found.nuclei[i], truth[i]).first->second == truth[i]);
  }
}

TEST_CASE("blocks: an object longer than the overlap is put together where its parts agree", "[pipeline]") {
  label_map truth({60, 200});
  for (index_t y = 20; y < 27; ++y)
    for (index_t x = 5; x < 190; ++x) truth(y, x) = 1;
  for (index_t y = 40; y < 46; ++y)
    for (index_t x = 100; x < 106; ++x) truth(y, x) = 2;
  const prediction found = joined(truth, task::instance_segmentation, {.tile = 60, .overlap = 16});
  numbers(found.labels, truth);
  CHECK(found.objects.size() == 2);
}

TEST_CASE("blocks: classes of pixels come from where a block knows most, those of images from all", "[pipeline]") {
  label_map classes({100, 130});
  for (index_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<std::int32_t>(i % 130 / 20 + i / 130 / 15);
  detail::joined_blocks canvas(task::semantic_segmentation, 100, 130, 20);
  float share = 0, area = 0;
  for (const rectangle& r : tile_grid(100, 130, {.tile = 50, .overlap = 20})) {
    prediction p;
    p.labels = crop_reflected(classes, r);
    // What a block says at its own cut edges is wrong.
    for (index_t y = 0; y < r.height; ++y) {
      if (r.left > 0) p.labels(y, 0) = 99;
      if (r.left + r.width < 130) p.labels(y, r.width - 1) = 99;
    }
    const float probability = r.top == 0 ? 0.25f : 0.75f;
    p.image_class_probabilities = {probability, 1 - probability};
    share += probability * static_cast<float>(r.height * r.width), area += static_cast<float>(r.height * r.width);
    canvas.add(r, std::move(p));
  }
  const prediction found = canvas.finish();
  CHECK(std::equal(found.labels.begin(), found.labels.end(), classes.begin()));
  CHECK(found.image_class_probabilities[0] == Approx(share / area));
  CHECK(found.image_class == (share / area > 0.5f ? 0 : 1));
}

TEST_CASE("blocks: a trained model finds the same objects, in less memory", "[pipeline]") {
  context<cpu> ctx(2);
  toy_pipeline model;
  fit_options options;
  options.training.epochs = 16;
  options.training.tile = 48;
  options.training.batch = 4;
  fit(ctx, model, discs_dataset(8), options);
  const example e = discs(300, 340, 90, random_stream(77));
  const prediction whole = predict(ctx, model, e.picture);
  const shape s = e.picture.pixels.shape();
  const detail::prediction_memory memory(ctx, model, s);
  const double limit = memory.in_blocks(128, 128);
  REQUIRE(limit < memory.whole(512));
  const block_plan plan = plan_blocks(ctx, model, s, limit, 512);
  CHECK(plan.edge > 0);
  CHECK(plan.bytes <= limit);
  const prediction found = predict_in_blocks(ctx, model, e.picture.pixels, plan);
  REQUIRE(whole.objects.size() > 20);
  CHECK(found.objects.size() == whole.objects.size());
  index_t unlike = 0, objects = 0;
  for (index_t i = 0; i < whole.labels.size(); ++i) {
    unlike += (found.labels[i] > 0) != (whole.labels[i] > 0);
    objects += whole.labels[i] > 0;
  }
  CHECK(unlike < objects / 50);
}

TEST_CASE("blocks: the largest that fit, and an error that says what would", "[pipeline]") {
  context<cpu> ctx(1);
  toy_pipeline model;
  model.set_up(ctx, {.channels = 1});
  const shape s{4000, 4000, 1};
  const double gigabyte = 1 << 30;
  CHECK(plan_blocks(ctx, model, s, 100 * gigabyte, 512).edge == 0);
  index_t edge = 1 << 20;
  for (const double bytes : {1.5 * gigabyte, 1.0 * gigabyte, 0.8 * gigabyte}) {
    const block_plan plan = plan_blocks(ctx, model, s, bytes, 512);
    CHECK(plan.bytes <= bytes);
    CHECK((plan.edge == 0 || plan.edge <= edge));
    if (plan.edge > 0) edge = plan.edge;
  }
  CHECK_THROWS_WITH(plan_blocks(ctx, model, s, 1e8, 512), Catch::Contains("at least") && Catch::Contains("--memory"));
}

}  // namespace aixcell::test
