#include <aixcell/autokonfig/baseline.hpp>
#include <aixcell/data/synthetic.hpp>
#include "support/catch.hpp"

namespace aixcell {

namespace {

/// Discs of radius 6 on a background, in channel 2 of 2; `bright` or dark. Neighbours in a row touch.
example discs(bool bright) {
  example e;
  e.picture.pixels = tensor<float>({40, 80, 2});
  e.truth.labels = label_map({40, 80});
  for (index_t i = 0; i < 40; ++i)
    for (index_t j = 0; j < 80; ++j) {
      e.picture.pixels(i, j, index_t{0}) = static_cast<float>((i * 7 + j * 13) % 50);
      e.picture.pixels(i, j, index_t{1}) = bright ? 10.0f : 200.0f;
      for (std::int32_t k = 0; k < 5; ++k) {
        const index_t dy = i - 20, dx = j - (12 + 12 * k);
        if (dy * dy + dx * dx > 36) continue;
        e.picture.pixels(i, j, index_t{1}) = bright ? 200.0f : 10.0f;
        if (e.truth.labels(i, j) == 0) e.truth.labels(i, j) = k + 1;
      }
    }
  return e;
}

double average_precision(const annotation& truth, const label_map& found) {
  dataset_matching m;
  m.add(overlaps(truth.labels, found));
  return m.summary()[0].pooled.average_precision;
}

}  // namespace

TEST_CASE("otsu_threshold parts two heaps, and bears constants and nothing", "[autokonfig]") {
  tensor<float> values({3, 100});
  for (index_t i = 0; i < values.size(); ++i) values[i] = (i % 3 ? 10.0f : 90.0f) + static_cast<float>(i % 7);
  const float t = otsu_threshold(values);
  CHECK(t > 16);
  CHECK(t <= 90);
  values.fill(5);
  CHECK(otsu_threshold(values) == 5);
  CHECK(otsu_threshold(view<const float, cpu>{}) == 0);
}

TEST_CASE("a threshold finds discs of either polarity in their channel and parts those that touch", "[autokonfig]") {
  context<cpu> ctx(2);
  for (const bool bright : {true, false}) {
    const example e = discs(bright);
    const dataset data = dataset::from_examples("discs", {e, e});
    const threshold_baseline fitted = fit_threshold_baseline(ctx, data);
    CHECK(fitted.channel == 1);
    CHECK(fitted.dark == !bright);
    CHECK(fitted.seed_height > 0);
    CHECK(average_precision(e.truth, fitted.predict(ctx, e.picture.pixels)) == 1);
    CHECK(fit_baseline(ctx, data).method.find(bright ? "bright" : "dark") != std::string::npos);
  }
  const tensor<float> one({1, 1, 2});
  CHECK(threshold_baseline{}.predict(ctx, one)[0] == 0);
}

TEST_CASE("mean colours tell classes of pixels apart", "[autokonfig]") {
  context<cpu> ctx(1);
  example e;
  e.picture.pixels = tensor<float>({8, 9, 3});
  e.truth.labels = label_map({8, 9});
  for (index_t i = 0; i < 8; ++i)
    for (index_t j = 0; j < 9; ++j) {
      e.truth.labels(i, j) = static_cast<std::int32_t>(j / 3);
      e.picture.pixels(i, j, j / 3) = 100.0f + static_cast<float>(i);
    }
  e.truth.labels(0, 0) = ignored_label;
  const auto data = dataset::from_examples("stripes", {e}, {"a", "b", "c"}, task::semantic_segmentation);
  const label_map found = fit_baseline(ctx, data).predict(ctx, e.picture.pixels).labels;
  for (index_t p = 1; p < found.size(); ++p) CHECK(found[p] == e.truth.labels[p]);
}

TEST_CASE("intensities tell classes of images apart, in units of their spread", "[autokonfig]") {
  context<cpu> ctx(1);
  std::vector<example> all;
  random_stream random(3);
  for (int i = 0; i < 60; ++i) {
    example e;
    e.picture.pixels = tensor<float>({6, 7, 2});
    const int c = i % 3;
    const float exposure = 1000 * random.normal();  // tells nothing
    for (index_t p = 0; p < e.picture.pixels.size(); p += 2) {
      e.picture.pixels[p] = static_cast<float>(10 * c) + random.normal();
      e.picture.pixels[p + 1] = exposure;
    }
    e.truth.image_class = c;
    all.push_back(std::move(e));
  }
  const auto data = dataset::from_examples("cells", all, {"a", "b", "c", "never"}, task::image_classification);
  const baseline fitted = fit_baseline(ctx, data);
  for (const example& e : all) {
    const prediction found = fitted.predict(ctx, e.picture.pixels);
    CHECK(found.image_class == e.truth.image_class);
    CHECK(found.labels.empty());
  }
}

}  // namespace aixcell
