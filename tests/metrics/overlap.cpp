#include <aixcell/metrics/overlap.hpp>
#include <map>
#include "metrics/label_images.hpp"
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("overlaps of a drawn case", "[metrics]") {
  const auto truth = drawn("112../112../...33");
  const auto found = drawn("1.2../444../.#..#");
  const overlap_table table = overlaps(truth, found);
  CHECK(table.truth_labels == std::vector<std::int32_t>{1, 2, 3});
  CHECK(table.truth_areas == std::vector<index_t>{4, 2, 1});  // object 3 lost one pixel to the ignored region
  CHECK(table.predicted_labels == std::vector<std::int32_t>{1, 2, 4});
  CHECK(table.predicted_areas == std::vector<index_t>{1, 1, 3});
  REQUIRE(table.pairs.size() == 4);
  CHECK(table.iou(table.pairs[0]) == 0.25);     // 1-1
  CHECK(table.pairs[1].pixels == 2);            // 1-4
  CHECK(table.iou(table.pairs[1]) == 2.0 / 5);  // 4 + 3 - 2
  CHECK(table.iou(table.pairs[3]) == 0.25);     // 2-4
}

TEST_CASE("overlaps equal a count of every pair", "[metrics]") {
  random_stream random(11);
  for (int round = 0; round < 300; ++round) {
    const auto truth = random_labels(random, {.objects = random.below(7), .ignored = 0.1f});
    const auto found = random_labels(random, {.objects = random.below(7), .ignored = 0.1f});
    std::map<std::pair<int, int>, index_t> pairs;
    std::map<int, index_t> truth_areas, found_areas;
    for (index_t i = 0; i < truth.size(); ++i) {
      if (truth[i] < 0 || found[i] < 0) continue;
      if (truth[i]) ++truth_areas[truth[i]];
      if (found[i]) ++found_areas[found[i]];
      if (truth[i] && found[i]) ++pairs[{truth[i], found[i]}];
    }
    const overlap_table table = overlaps(truth, found);
    REQUIRE(table.truth_labels.size() == truth_areas.size());
    REQUIRE(table.predicted_labels.size() == found_areas.size());
    REQUIRE(table.pairs.size() == pairs.size());
    std::size_t k = 0;
    for (const auto& [label, area] : truth_areas) {
      CHECK(table.truth_labels[k] == label);
      CHECK(table.truth_areas[k++] == area);
    }
    k = 0;
    for (const auto& [label, area] : found_areas) CHECK(table.predicted_areas[k++] == area);
    k = 0;
    for (const auto& [labels, pixels] : pairs) {
      CHECK(table.truth_labels[static_cast<std::size_t>(table.pairs[k].truth)] == labels.first);
      CHECK(table.predicted_labels[static_cast<std::size_t>(table.pairs[k].predicted)] == labels.second);
      CHECK(table.pairs[k++].pixels == pixels);
    }
  }
}

TEST_CASE("overlaps refuse what they cannot read", "[metrics]") {
  CHECK_THROWS_AS(overlaps(drawn("1."), drawn("1../...")), shape_error);
  auto bad = drawn("1.");
  bad[1] = -7;
  CHECK_THROWS_WITH(overlaps(drawn("1."), bad), Catch::Contains("found -7"));
  CHECK(overlaps(drawn(".#"), drawn("..")).pairs.empty());
}
