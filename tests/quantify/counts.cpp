#include <aixcell/quantify/counts.hpp>
#include <aixcell/data/synthetic.hpp>
#include <aixcell/quantify/pair_nuclei.hpp>
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("cells of an image", "[quantify]") {
  const image_count c = count_cells("a.png", "wt", {0, 1, 1, -1, 0, 0}, 2);
  CHECK(c.cells() == 6);
  CHECK(c.classified() == 5);
  CHECK(c.unknown == 1);
  CHECK(c.share_of(1).successes == 2);
  CHECK(c.share_of(1).trials == 5);
  CHECK(count_cells("b", "", {}, 2).cells() == 0);
  CHECK_THROWS_WITH(count_cells("b", "", {2}, 2), Catch::Contains("class 2"));
}

TEST_CASE("true labels of synthetic tissue give the true counts", "[quantify]") {
  const dataset set = synthetic_dataset(6, {.binuclear_fraction = 0.35f}, 7);
  std::vector<image_count> images;
  index_t mono = 0, bi = 0;
  for (index_t i = 0; i < set.size(); ++i) {
    const example e = set.load(i);
    // Counted from the map of nuclei alone; the truth is what the generator says of each cell.
    std::vector<int> nuclei(e.truth.object_class.size(), 0), classes;
    for (const nucleus_assignment& n : assign_nuclei(e.truth.labels, e.truth.nuclei, 0))
      if (n.cell > 0) ++nuclei[static_cast<std::size_t>(n.cell - 1)];
    for (const int n : nuclei) classes.push_back(std::min(n, 2) - 1);
    images.push_back(count_cells("image" + std::to_string(i), i % 2 ? "old" : "young", classes, 2));
    for (const int c : e.truth.object_class) c == 1 ? ++bi : ++mono;
  }
  const auto groups = count_groups(images, {});
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].group == "old");
  CHECK(groups[0].images == 3);
  CHECK(groups[0].of_class[0] + groups[1].of_class[0] == mono);
  CHECK(groups[0].of_class[1] + groups[1].of_class[1] == bi);
  CHECK(groups[0].unknown + groups[1].unknown == 0);
  CHECK_FALSE(groups[0].corrected);
}

TEST_CASE("groups, their comparison and the correction", "[quantify]") {
  std::vector<image_count> images;
  for (int i = 0; i < 8; ++i) images.push_back({"a" + std::to_string(i), "young", {40, 10 + i % 3}, 1});
  for (int i = 0; i < 8; ++i) images.push_back({"b" + std::to_string(i), "old", {25, 25 + i % 4}, 0});
  confusion_matrix errors(2);
  errors.add({0, 0}, 90), errors.add({0, 1}, 10), errors.add({1, 1}, 80), errors.add({1, 0}, 20);
  const auto groups = count_groups(images, {.known_errors = errors});
  REQUIRE(groups.size() == 2);
  CHECK(groups[1].unknown == 8);
  CHECK(groups[1].cells() == groups[1].of_class[0] + groups[1].of_class[1] + 8);
  CHECK(groups[1].share.share.estimate ==
        Approx(static_cast<double>(groups[1].of_class[1]) / static_cast<double>(groups[1].cells() - 8)));
  REQUIRE(groups[0].corrected);
  CHECK(groups[0].corrected->estimate >
        groups[0].share.share.estimate);  // more binuclear cells are missed than invented
  CHECK(groups[1].corrected->estimate < groups[1].share.share.estimate);

  const auto compared = compare_groups(images, {});
  REQUIRE(compared.size() == 1);
  CHECK(compared[0].first == "old");
  CHECK(compared[0].difference.estimate == Approx(groups[0].share.share.estimate - groups[1].share.share.estimate));
  CHECK(compared[0].difference.low > 0.1);
  CHECK(compared[0].p_value < 0.001);
  images.push_back({"c", "third", {1, 1}, 0});
  CHECK(compare_groups(images, {}).size() == 3);
  CHECK(compare_groups({}, {}).empty());
}

TEST_CASE("groups from file names", "[quantify]") {
  const auto group = [](const char* pattern, const char* name) { return group_from_name(pattern, name).value_or("-"); };
  CHECK(group("{group}_*", "wt_03") == "wt");
  CHECK(group("{group}_*", "wt_a_03") == "wt");
  CHECK(group("*_{group}", "03_wt_a") == "wt_a");
  CHECK(group("plate*-{group}-*", "plate7-ko-12") == "ko");
  CHECK(group("{group}", "wt") == "wt");
  CHECK(group("{group}_*", "wt") == "-");
  CHECK(group("x{group}", "wt") == "-");
  CHECK(group("{group}", "") == "-");
  CHECK_THROWS_AS(group_from_name("wt_*", "wt_1"), data_error);
  CHECK_THROWS_AS(group_from_name("{group}_{group}", "wt_1"), data_error);
}
