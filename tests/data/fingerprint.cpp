#include <aixcell/data/fingerprint.hpp>

#include <cstdlib>
#include <cstring>

#include <aixcell/core/random.hpp>
#include <aixcell/data/read_dataset.hpp>

#include "data/examples.hpp"
#include "io/support.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

fingerprint of(std::vector<example> examples, task solves = task::instance_segmentation) {
  context<cpu> ctx(1);
  return fingerprint_of(ctx, dataset::from_examples("set", std::move(examples), {}, solves));
}

}  // namespace

TEST_CASE("a fingerprint counts and measures objects") {
  const fingerprint f = of({boxes({20, 30}, {{0, 0, 4, 4}, {0, 4, 4, 4}, {10, 10, 2, 2}}), boxes({40, 50}, {})});
  CHECK(f.images == 2);
  CHECK(f.channels == 1);
  CHECK(f.objects == 3);
  CHECK(f.touching == Approx(2.0 / 3));
  CHECK(f.foreground == Approx(36.0 / 600 / 2));
  CHECK(f.diameter_percentiles[0] == Approx(2 * std::sqrt(4 / std::numbers::pi)));
  CHECK(f.diameter_percentiles[2] == Approx(2 * std::sqrt(16 / std::numbers::pi)));
  CHECK(f.median_height >= 20);
  CHECK(f.median_height <= 40);
  CHECK_FALSE(f.has_nuclei);
  CHECK_FALSE(f.has_object_classes);
}

TEST_CASE("noise and an uneven background are measured in units of the range") {
  const auto noisy = [](float deviation, float slope) {
    example e = boxes({128, 128}, {{10, 10, 20, 20}});
    random_stream random(5);
    for (aixcell::index_t y = 0; y < 128; ++y)
      for (aixcell::index_t x = 0; x < 128; ++x) {
        float& v = e.picture.pixels(y, x, 0);
        v = 100 + 10 * v + slope * static_cast<float>(x) + deviation * random.normal();  // objects at 1100
      }
    return of({e});
  };
  const fingerprint clean = noisy(0, 0), grainy = noisy(20, 0), slanted = noisy(0, 5);
  CHECK(clean.noise == 0);
  CHECK(grainy.noise == Approx(20.0 / 1000).epsilon(0.15));
  CHECK(clean.background_unevenness == 0);
  // Medians of four columns of blocks, 160 apart: a deviation of 160 sqrt(5/4).
  CHECK(slanted.background_unevenness == Approx(160 * std::sqrt(1.25) / 1000).epsilon(0.25));
  CHECK(grainy.background_unevenness < 0.01);
}

TEST_CASE("light that all images share is told from objects that lie here and there") {
  const auto images = [](bool vignetting) {
    std::vector<example> all;
    for (int n = 0; n < 12; ++n) {
      random_stream random(static_cast<std::uint64_t>(n));
      std::vector<rectangle> where;
      for (int k = 0; k < 9; ++k) where.push_back({random.below(80), random.below(80), 16, 16});
      example e = boxes({96, 96}, where);
      for (aixcell::index_t y = 0; y < 96; ++y)
        for (aixcell::index_t x = 0; x < 96; ++x) {
          const float u = static_cast<float>(2 * x + 1) / 96 - 1, v = static_cast<float>(2 * y + 1) / 96 - 1;
          float& p = e.picture.pixels(y, x, 0);
          p = (p + 50) * (vignetting ? 1 - 0.25f * (u * u + v * v) : 1);
        }
      all.push_back(e);
    }
    return of(all).light_falloff;
  };
  CHECK(images(true) == Approx(0.5).margin(0.08));
  CHECK(images(false) < 0.1);
}

TEST_CASE("stained specimens are known by colour on a bright background") {
  const auto share = [](std::array<float, 3> background, std::array<float, 3> object, aixcell::index_t channels = 3) {
    example e = boxes({20, 20, channels}, {{2, 2, 12, 12}});
    for (aixcell::index_t i = 0; i < e.picture.pixels.size(); ++i)
      e.picture.pixels[i] =
          (e.truth.labels[i / channels] ? object : background)[static_cast<std::size_t>(i % channels)];
    return of({e, boxes({20, 20, channels}, {})}).stained;
  };
  CHECK(share({240, 235, 240}, {120, 60, 150}) == 0.5);
  CHECK(share({60000, 59000, 60000}, {30000, 15000, 40000}) == 0.5);
  CHECK(share({240, 240, 240}, {90, 90, 90}) == 0);       // gray, stored as RGB
  CHECK(share({10, 5, 5}, {20, 200, 30}) == 0);           // fluorescence
  CHECK(share({200, 5, 20}, {100, 200, 90}) == 0);        // bright field in red, DNA in green
  CHECK(share({240, 235, 240}, {120, 60, 150}, 2) == 0);  // not a colour image
}

TEST_CASE("equal data have equal digests for any number of threads, other data have others") {
  std::vector<example> examples;
  for (int i = 0; i < 6; ++i) examples.push_back(dots({16, 16}, 3 + i));
  const dataset set = dataset::from_examples("set", examples);
  context<cpu> one(1), four(4);
  const fingerprint a = fingerprint_of(one, set), b = fingerprint_of(four, set);
  CHECK(a.digest == b.digest);
  CHECK(a.intensity_percentiles == b.intensity_percentiles);
  CHECK(a.noise == b.noise);

  const auto digest_of_changed = [&](auto change) {
    std::vector<example> changed = examples;
    changed[2].picture.pixels = changed[2].picture.pixels.clone();
    changed[2].truth.labels = changed[2].truth.labels.clone();
    change(changed[2]);
    return fingerprint_of(one, dataset::from_examples("set", changed)).digest;
  };
  CHECK(digest_of_changed([](example&) {}) == a.digest);
  CHECK(digest_of_changed([](example& e) { e.picture.pixels[5] += 0.25f; }) != a.digest);
  CHECK(digest_of_changed([](example& e) { e.truth.labels(15, 15) = 1; }) != a.digest);
  CHECK(fingerprint_of(one, dataset::from_examples("other", examples)).digest != a.digest);
  CHECK(fingerprint_of(one, set.subset({0, 1, 2, 3, 4})).digest != a.digest);
}

TEST_CASE("classes of pixels are no objects but count for digest and foreground") {
  const fingerprint f = of({boxes({10, 10}, {{0, 0, 2, 5}})}, task::semantic_segmentation);
  CHECK(f.objects == 0);
  CHECK(f.touching == 0);
  CHECK(f.foreground == Approx(0.1));
  CHECK(f.class_counts == std::vector<double>{90, 10});
  CHECK(f.digest != of({boxes({10, 10}, {{0, 0, 5, 2}})}, task::semantic_segmentation).digest);
}

TEST_CASE("an image of one pixel, an image of objects only and an empty set have fingerprints") {
  CHECK(of({boxes({1, 1}, {})}).objects == 0);
  const fingerprint full = of({boxes({8, 8}, {{0, 0, 8, 8}})});
  CHECK(full.foreground == Approx(1));
  CHECK(full.background_unevenness == 0);
  CHECK(std::isfinite(full.noise));
  context<cpu> ctx(1);
  CHECK(fingerprint_of(ctx, dataset{}).images == 0);
}

TEST_CASE("real data: the fingerprint agrees with the published statistics", "[slow]") {
  const char* root = std::getenv("AIXCELL_DATA");
  if (root == nullptr) {
    WARN("AIXCELL_DATA is not set: real data are not tested");
    return;
  }
  context<cpu> ctx;
  const dataset_parts parts = read_dataset(ctx, std::filesystem::path(root) / "dsb2018_histo");
  const fingerprint f = fingerprint_of(ctx, parts.train);
  CHECK(f.images == 110);
  CHECK(f.channels == 3);
  CHECK(f.objects == 5107);
  CHECK(f.median_height == 256);
  CHECK(f.median_width == 320);
  CHECK(f.objects_per_image == Approx(37).margin(1));
  CHECK(f.diameter_percentiles[0] == Approx(7.5).margin(0.1));
  CHECK(f.diameter_percentiles[2] == Approx(18.3).margin(0.1));
  CHECK(f.diameter_percentiles[4] == Approx(37.4).margin(0.1));
}

TEST_CASE("a fingerprint of images with classes and no masks") {
  const auto cell = [](int c, float value) {
    example e;
    e.picture.pixels = tensor<float>({8, 8, 1});
    e.picture.pixels.fill(value);
    e.truth.image_class = c;
    return e;
  };
  context<cpu> ctx(1);
  const auto digest = [&](int second) {
    const fingerprint f = fingerprint_of(
        ctx, dataset::from_examples("cells", {cell(0, 1), cell(second, 2), cell(0, 3)}, {"a", "b"},
                                    task::image_classification));
    CHECK(f.has_image_classes);
    CHECK(f.objects == 0);
    CHECK(f.foreground == 0);
    CHECK(f.image_class_counts == (second ? std::vector<double>{2, 1} : std::vector<double>{3, 0}));
    return f.digest;
  };
  CHECK(digest(1) != digest(0));
}
