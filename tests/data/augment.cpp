#include <aixcell/data/augment.hpp>

#include <numeric>
#include <set>

#include "data/examples.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

/// Channels hold the row and the column, labels the number of the pixel: what moved where can be read off.
example coordinates(aixcell::index_t height, aixcell::index_t width) {
  example e;
  e.picture.pixels = tensor<float>({height, width, 2});
  e.truth.labels = label_map({height, width});
  for (aixcell::index_t y = 0; y < height; ++y)
    for (aixcell::index_t x = 0; x < width; ++x) {
      e.picture.pixels(y, x, 0) = static_cast<float>(y);
      e.picture.pixels(y, x, 1) = static_cast<float>(x);
      e.truth.labels(y, x) = static_cast<std::int32_t>(y * width + x + 1);
    }
  e.truth.nuclei = e.truth.labels.clone();
  return e;
}

augmentation geometry_only() {
  augmentation a;
  a.intensity_probability = a.noise_probability = a.blur_probability = 0;
  a.affine_probability = a.elastic_probability = 1;
  a.elastic = 6;
  return a;
}

augmented_crop crop_of(const augmentation& a, const example& e, aixcell::index_t edge, std::uint64_t seed) {
  random_stream random(seed);
  return augment(a, e.picture.pixels, e.truth, edge, random);
}

/// A normalised image of random values in [0,1].
example noise_image(aixcell::index_t edge, aixcell::index_t channels) {
  example e = boxes({edge, edge, channels}, {});
  random_stream random(99);
  for (float& v : e.picture.pixels) v = random.uniform();
  return e;
}

}  // namespace

TEST_CASE("labels and nuclei move with the pixels") {
  const aixcell::index_t height = 70, width = 90;
  const example e = coordinates(height, width);
  for (const aixcell::index_t edge : {1, 31, 64, 128})  // the last one reaches beyond the image
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      const augmented_crop crop = crop_of(geometry_only(), e, edge, seed);
      REQUIRE(crop.pixels.shape() == shape{edge, edge, 2});
      REQUIRE(crop.truth.labels.shape() == shape{edge, edge});
      float farthest = 0;
      for (aixcell::index_t i = 0; i < edge * edge; ++i) {
        const aixcell::index_t from = crop.truth.labels[i] - 1;
        REQUIRE(from >= 0);
        farthest = std::max(farthest, std::abs(crop.pixels[2 * i] - static_cast<float>(from / width)));
        farthest = std::max(farthest, std::abs(crop.pixels[2 * i + 1] - static_cast<float>(from % width)));
        REQUIRE(crop.truth.nuclei[i] == crop.truth.labels[i]);
      }
      CHECK(farthest <= 0.501f);
      if (edge >= 31) CHECK(farthest > 0.2f);  // it did interpolate
    }
}

TEST_CASE("with all parts off a crop is a cut-out") {
  const example e = coordinates(40, 50);
  std::set<std::int32_t> corners;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const augmented_crop crop = crop_of(augmentation::none(), e, 16, seed);
    const std::int32_t corner = crop.truth.labels(0, 0);
    corners.insert(corner);
    const aixcell::index_t top = (corner - 1) / 50, left = (corner - 1) % 50;
    for (aixcell::index_t y = 0; y < 16; ++y)
      for (aixcell::index_t x = 0; x < 16; ++x) {
        REQUIRE(crop.truth.labels(y, x) == e.truth.labels(top + y, left + x));
        REQUIRE(crop.pixels(y, x, 0) == static_cast<float>(top + y));
        REQUIRE(crop.pixels(y, x, 1) == static_cast<float>(left + x));
      }
  }
  CHECK(corners.size() > 20);
}

TEST_CASE("an image smaller than the crop is centred, sharp, and filled up by its mirror image") {
  for (const aixcell::index_t extent : {1, 6, 7, 15, 16}) {
    const example e = coordinates(extent, extent);
    const augmented_crop crop = crop_of(augmentation::none(), e, 16, 1);
    const aixcell::index_t start = (16 - extent) / 2;
    for (aixcell::index_t y = 0; y < 16; ++y)
      for (aixcell::index_t x = 0; x < 16; ++x) {
        const aixcell::index_t r = detail::reflected(y - start, extent), c = detail::reflected(x - start, extent);
        REQUIRE(crop.truth.labels(y, x) == e.truth.labels(r, c));
        REQUIRE(crop.pixels(y, x, 1) == static_cast<float>(c));
      }
  }
}

TEST_CASE("mirror images and quarter turns give the eight symmetries of the square") {
  augmentation a = augmentation::none();
  a.flip_probability = 0.5f;
  a.quarter_turns = true;
  const example e = coordinates(9, 9);
  std::set<std::vector<std::int32_t>> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const augmented_crop crop = crop_of(a, e, 9, seed);
    const std::vector<std::int32_t> labels(crop.truth.labels.begin(), crop.truth.labels.end());
    std::vector<std::int32_t> sorted = labels;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(std::equal(sorted.begin(), sorted.end(), e.truth.labels.begin()));  // a permutation
    for (const std::size_t corner : {0u, 8u, 72u, 80u})
      REQUIRE(std::set<std::int32_t>{1, 9, 73, 81}.count(labels[corner]) == 1);
    seen.insert(labels);
  }
  CHECK(seen.size() == 8);
}

TEST_CASE("rotation and scale stay within their limits") {
  augmentation a = augmentation::none();
  a.affine_probability = 1;
  a.rotation = 20;
  a.scale = 0.25f;
  a.shear = 0;
  const example e = coordinates(200, 200);
  float least = 2, greatest = 0, widest = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const augmented_crop crop = crop_of(a, e, 32, seed);
    // One step along a row of the crop, seen in the image.
    const float dy = (crop.pixels(16, 20, 0) - crop.pixels(16, 12, 0)) / 8;
    const float dx = (crop.pixels(16, 20, 1) - crop.pixels(16, 12, 1)) / 8;
    const float step = std::hypot(dy, dx), angle = std::abs(std::atan2(dy, dx)) * 180 / std::numbers::pi_v<float>;
    least = std::min(least, step);
    greatest = std::max(greatest, step);
    widest = std::max(widest, angle);
  }
  CHECK(least >= 0.799f);
  CHECK(least < 0.85f);
  CHECK(greatest <= 1.251f);
  CHECK(greatest > 1.18f);
  CHECK(widest <= 20.1f);
  CHECK(widest > 17);
}

TEST_CASE("intensities change within their limits and leave labels alone") {
  augmentation a = augmentation::none();
  a.intensity_probability = 1;
  const example e = noise_image(32, 3);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const augmented_crop plain = crop_of(augmentation::none(), e, 32, seed), changed = crop_of(a, e, 32, seed);
    bool differs = false;
    for (aixcell::index_t i = 0; i < plain.pixels.size(); ++i) {
      const float v = plain.pixels[i];
      const float low = std::exp(-0.3f) * std::pow(v, std::exp(0.3f)) - 0.1f;
      const float high = std::exp(0.3f) * std::pow(v, std::exp(-0.3f)) + 0.1f;
      REQUIRE(changed.pixels[i] >= low - 1e-4f);
      REQUIRE(changed.pixels[i] <= high + 1e-4f);
      differs = differs || std::abs(changed.pixels[i] - v) > 0.01f;
    }
    CHECK(differs);
    CHECK(std::equal(plain.truth.labels.begin(), plain.truth.labels.end(), changed.truth.labels.begin()));
  }
}

TEST_CASE("noise has no bias and at most its deviation, blur keeps the mean and smooths") {
  const example e = noise_image(64, 2);
  const auto mean_and_deviation = [](const tensor<float>& t, const tensor<float>& minus) {
    double sum = 0, square = 0;
    for (aixcell::index_t i = 0; i < t.size(); ++i) {
      const double v = static_cast<double>(t[i]) - static_cast<double>(minus[i]);
      sum += v, square += v * v;
    }
    const double n = static_cast<double>(t.size());
    return std::pair{sum / n, std::sqrt(square / n - sum / n * sum / n)};
  };
  augmentation noisy = augmentation::none(), blurred = augmentation::none();
  noisy.noise_probability = blurred.blur_probability = 1;
  blurred.blur = 2;
  double greatest = 0;
  const tensor<float> zero(e.picture.pixels.shape());
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto [mean, deviation] = mean_and_deviation(crop_of(noisy, e, 64, seed).pixels, e.picture.pixels);
    CHECK(std::abs(mean) < 0.003);
    CHECK(deviation < 0.052);
    greatest = std::max(greatest, deviation);
    const auto before = mean_and_deviation(e.picture.pixels, zero);
    const auto after = mean_and_deviation(crop_of(blurred, e, 64, seed).pixels, zero);
    CHECK(after.first == Approx(before.first).margin(0.01));
    CHECK(after.second < before.second);
  }
  CHECK(greatest > 0.03);
}

TEST_CASE("one seed, one crop, whatever came before") {
  const example e = noise_image(80, 2);
  const augmentation a;
  const augmented_crop first = crop_of(a, e, 48, 7);
  crop_of(a, e, 48, 8);
  const augmented_crop again = crop_of(a, e, 48, 7), other = crop_of(a, e, 48, 9);
  CHECK(std::equal(first.pixels.begin(), first.pixels.end(), again.pixels.begin()));
  CHECK_FALSE(std::equal(first.pixels.begin(), first.pixels.end(), other.pixels.begin()));
}

TEST_CASE("crops prefer places with objects") {
  example e = boxes({512, 512}, {{100, 300, 40, 40}});
  augmentation a = augmentation::none();
  const auto hits = [&] {
    int found = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const label_map labels = crop_of(a, e, 64, seed).truth.labels;
      found += *std::max_element(labels.begin(), labels.end()) > 0;
    }
    return found;
  };
  a.foreground_probability = 1;
  CHECK(hits() > 60);
  a.foreground_probability = 0;
  CHECK(hits() < 30);
}

TEST_CASE("classes are kept, ignored pixels stay ignored, other sizes are refused") {
  example e = boxes({20, 20}, {{0, 0, 20, 20}});
  e.truth.object_class = {3};
  e.truth.labels(10, 10) = ignored_label;
  const augmented_crop crop = crop_of(augmentation::none(), e, 20, 1);
  CHECK(crop.truth.object_class == std::vector<int>{3});
  CHECK(crop.truth.labels(10, 10) == ignored_label);
  CHECK(crop.truth.nuclei.empty());
  e.truth.labels = label_map({20, 19});
  CHECK_THROWS_AS(crop_of(augmentation::none(), e, 8, 1), shape_error);
}

TEST_CASE("the hyperparameters of an augmentation hold their defaults") {
  augmentation a;
  int count = 0;
  for_each_hyperparameter(a, [&](const auto& h, float& value) {
    ++count;
    CHECK(value >= h.low);
    CHECK(value <= h.high);
  });
  CHECK(count == 4);
}

TEST_CASE("images with a class and no labels are cut and turned, too", "[data]") {
  tensor<float> pixels({9, 12, 2});
  for (index_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i);
  annotation truth;
  truth.image_class = 3;
  random_stream random(4);
  const augmented_crop crop = augment(augmentation(), pixels, truth, 8, random);
  CHECK(crop.pixels.shape() == shape{8, 8, 2});
  CHECK(crop.truth.image_class == 3);
  CHECK(crop.truth.labels.empty());
}

TEST_CASE("quantitative augmentation keeps brightness: the sum of a dark-framed image", "[data]") {
  tensor<float> pixels({64, 64, 1});
  for (index_t i = 24; i < 40; ++i)
    for (index_t j = 24; j < 40; ++j) pixels(i, j, 0) = 0.75f;
  augmentation gentle = augmentation().quantitative();
  gentle.noise_probability = 0;
  gentle.shear = 0;
  const auto sum_of = [](const tensor<float>& image) {
    double sum = 0;
    for (const float v : image) sum += static_cast<double>(v);
    return sum;
  };
  const double whole = sum_of(pixels);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    random_stream random(seed);
    annotation truth;
    truth.image_class = 0;
    CHECK(sum_of(augment(gentle, pixels, truth, 64, random).pixels) == Approx(whole).epsilon(0.06));
  }
}
