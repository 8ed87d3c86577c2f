#include <aixcell/quantify/shape_features.hpp>
#include "metrics/label_images.hpp"
#include "quantify/discs.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using namespace aixcell::test;

namespace {

double value(const feature_table& t, std::size_t row, const std::string& name) {
  const auto at = std::find(t.names.begin(), t.names.end(), name);
  REQUIRE(at != t.names.end());
  return t.row(row)[at - t.names.begin()];
}

}  // namespace

TEST_CASE("shape of a disc, an ellipse and two touching discs", "[quantify]") {
  label_map labels = with_ellipses(60, 160, {{30, 25, 15, 15, 0}, {30, 75, 20, 10, 0.6}});
  draw(labels, {30, 120, 12, 12, 0}, 3);
  draw(labels, {30, 140, 12, 12, 0}, 3);
  const feature_table t = shape_features(labels);
  REQUIRE(t.labels == std::vector<std::int32_t>{1, 2, 3});
  REQUIRE(t.values.size() == 3 * t.names.size());

  CHECK(value(t, 0, "circularity") == Approx(1).margin(0.03));
  CHECK(value(t, 0, "solidity") > 0.93);
  CHECK(value(t, 0, "equivalent_diameter") == Approx(30).margin(0.5));
  CHECK(value(t, 0, "eccentricity") < 0.1);
  CHECK(value(t, 0, "ellipse_misfit") < 0.04);
  CHECK(value(t, 0, "concavities") == 0);
  CHECK(value(t, 0, "neck") == Approx(1).margin(0.03));
  CHECK(value(t, 0, "bending_energy") == Approx(1).margin(0.05));
  CHECK(value(t, 0, "fourier_2") < 0.03);

  CHECK(value(t, 1, "circularity") == Approx(0.84).margin(0.03));  // 4 pi ab pi / P^2 with Ramanujan's P
  CHECK(value(t, 1, "eccentricity") == Approx(std::sqrt(0.75)).margin(0.02));
  CHECK(value(t, 1, "ellipse_misfit") < 0.05);
  CHECK(value(t, 1, "concavities") == 0);

  CHECK(value(t, 2, "concavities") == 2);
  CHECK(value(t, 2, "concavity_second") > 0.1);
  CHECK(value(t, 2, "neck") == Approx(2 * std::sqrt(144.0 - 100) / value(t, 2, "equivalent_diameter")).margin(0.08));
  CHECK(value(t, 2, "curvature_least") < -1);
  CHECK(value(t, 2, "solidity") < 0.92);
  CHECK(value(t, 2, "ellipse_misfit") > 2 * value(t, 1, "ellipse_misfit"));
}

TEST_CASE("the solidity counts against the hull of the outline", "[quantify]") {
  // A square of 4 without a corner of 2: the hull cuts that corner along its diagonal.
  CHECK(value(shape_features(drawn("11../11../1111/1111")), 0, "solidity") == Approx(12.0 / 14));
}

TEST_CASE("intensities are sums over pixels", "[quantify]") {
  random_stream random(6);
  const label_map labels = random_labels(random, {.height = 20, .width = 23, .objects = 5, .ignored = 0.05f});
  tensor<float> pixels({20, 23, 2});
  for (float& v : pixels) v = random.uniform(10, 50);
  const feature_table t = shape_features(labels, pixels, {"dna", "actin"});
  std::vector<float> outside;
  for (index_t i = 0; i < labels.size(); ++i)
    if (labels[i] == 0) outside.push_back(pixels[2 * i + 1]);
  std::sort(outside.begin(), outside.end());
  const double background = static_cast<double>(outside[outside.size() / 2]);
  std::vector<double> integrated;
  for (std::size_t row = 0; row < t.rows(); ++row) {
    double n = 0, sum = 0, squares = 0;
    for (index_t i = 0; i < labels.size(); ++i)
      if (labels[i] == t.labels[row]) {
        const auto v = static_cast<double>(pixels[2 * i + 1]);
        ++n, sum += v, squares += v * v;
      }
    CHECK(value(t, row, "area") == n);
    CHECK(value(t, row, "mean_actin") == Approx(sum / n));
    CHECK(value(t, row, "deviation_actin") == Approx(std::sqrt(squares / n - sum * sum / n / n)).margin(1e-6));
    CHECK(value(t, row, "integrated_actin") == Approx(sum - n * background).margin(1e-6));
    integrated.push_back(sum - n * background);
  }
  std::sort(integrated.begin(), integrated.end());
  const double median = integrated[integrated.size() / 2];
  for (std::size_t row = 0; row < t.rows(); ++row) {
    const double relative = value(t, row, "relative_integrated_actin");
    if (median != 0)
      CHECK(relative == Approx(value(t, row, "integrated_actin") / median));
    else
      CHECK(std::isnan(relative));
  }
}

TEST_CASE("bright parts count nuclei in a cell", "[quantify]") {
  const label_map cells = with_ellipses(50, 120, {{25, 30, 26, 18, 0}, {25, 90, 26, 18, 0}});
  tensor<float> pixels({50, 120, 1});
  random_stream random(7);
  label_map nuclei({50, 120});
  draw(nuclei, {25, 30, 8, 8, 0}, 1);
  draw(nuclei, {25, 80, 6, 6, 0}, 1);
  draw(nuclei, {25, 100, 6, 5, 0}, 1);
  double bright[2] = {0, 0};
  for (index_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = 20 + 80 * static_cast<float>(nuclei[i]) + 15 * random.normal();
    if (nuclei[i]) ++bright[i % 120 >= 60];
  }
  const feature_table t = shape_features(cells, pixels, {"dna"});
  CHECK(value(t, 0, "second_bright_part_dna") < 0.1);
  CHECK(value(t, 1, "second_bright_part_dna") > 0.6);
  for (std::size_t k = 0; k < 2; ++k)
    CHECK(value(t, k, "bright_share_dna") == Approx(bright[k] / value(t, k, "area")).epsilon(0.25));
}

TEST_CASE("objects of any kind have finite features", "[quantify]") {
  random_stream random(8);
  for (int round = 0; round < 30; ++round) {
    const label_map labels = random_labels(
        random, {.height = 2 + random.below(9), .width = 2 + random.below(9), .objects = 4, .ignored = 0.3f});
    tensor<float> pixels({labels.extent(0), labels.extent(1), 1});
    for (const double v : shape_features(labels).values) REQUIRE(std::isfinite(v));
    // A dark image: no object is brighter than the background, so nothing can be relative to the median.
    const feature_table dark = shape_features(labels, pixels, {"dna"});
    for (std::size_t i = 0; i < dark.rows(); ++i)
      for (std::size_t f = 0; f < dark.columns(); ++f)
        REQUIRE(std::isfinite(dark.row(i)[f]) == (dark.names[f] != "relative_integrated_dna"));
  }
  CHECK(shape_features(label_map({4, 4})).rows() == 0);
  CHECK(shape_features(drawn("1")).rows() == 1);
}

TEST_CASE("features refuse what does not fit", "[quantify]") {
  const label_map labels = drawn("11/11");
  CHECK_THROWS_AS(shape_features(labels, tensor<float>({2, 3, 1}), {"a"}), shape_error);
  CHECK_THROWS_AS(shape_features(labels, tensor<float>({2, 2, 2}), {"a"}), shape_error);
  feature_table some = shape_features(labels), other = shape_features(labels, tensor<float>({2, 2, 1}), {"a"});
  CHECK_THROWS_AS(some.append(other), data_error);
  some.append_row(shape_features(labels), 0);
  CHECK(some.rows() == 2);
  CHECK(some.values.size() == 2 * some.columns());
}
