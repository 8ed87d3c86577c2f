#include <aixcell/quantify/pair_nuclei.hpp>
#include <aixcell/data/synthetic.hpp>
#include "quantify/discs.hpp"
#include "support/catch.hpp"

using namespace aixcell;
using namespace aixcell::test;

TEST_CASE("nuclei belong to the cell that covers them, else to the nearest within the radius", "[quantify]") {
  const label_map cells = with_ellipses(60, 100, {{30, 25, 18, 14, 0}, {30, 75, 18, 14, 0}});
  const label_map nuclei = with_ellipses(
      60, 100, {{30, 20, 4, 4, 0}, {30, 32, 4, 4, 0}, {30, 52, 3, 3, 0}, {56, 50, 2, 2, 0}, {44, 75, 4, 4, 0}});
  const auto found = assign_nuclei(cells, nuclei, 8);
  REQUIRE(found.size() == 5);
  CHECK(found[0].cell == 1);
  CHECK(found[0].distance == 0);
  CHECK(found[1].cell == 1);
  CHECK(found[2].cell == 2);  // 5 pixels from cell 2, 9 from cell 1
  CHECK(found[2].distance == 5);
  CHECK(found[3].cell == 0);     // far from all
  CHECK(found[4].cell == 2);     // half outside
  for (const auto& n : found) {  // against every pixel of every cell
    if (n.distance == 0) continue;
    const auto regions = measure_regions(nuclei);
    const auto& r = regions[static_cast<std::size_t>(n.nucleus - 1)];
    double nearest = 1e9;
    for (index_t y = 0; y < 60; ++y)
      for (index_t x = 0; x < 100; ++x)
        if (cells(y, x) > 0)
          nearest = std::min(nearest,
                             std::hypot(static_cast<double>(y) - r.centroid_y, static_cast<double>(x) - r.centroid_x));
    CHECK(n.distance == Approx(nearest));
  }
  CHECK(assign_nuclei(cells, label_map({60, 100}), 8).empty());
  CHECK(assign_nuclei(label_map({60, 100}), nuclei, 8)[0].cell == 0);
  CHECK_THROWS_AS(assign_nuclei(cells, label_map({1, 1}), 8), shape_error);
}

TEST_CASE("mutual pairs are those of a search over all", "[quantify]") {
  random_stream random(17);
  for (int round = 0; round < 20; ++round) {
    std::vector<region_properties> nuclei(static_cast<std::size_t>(random.below(40)));
    for (auto& n : nuclei) {
      n.centroid_y = static_cast<double>(random.uniform(0, 100)),
      n.centroid_x = static_cast<double>(random.uniform(0, 100));
      n.area = 50 + random.below(50);
      n.equivalent_diameter = 8;
      n.mean_intensity = {static_cast<double>(random.uniform(20, 90))};
    }
    const auto nearest = [&](std::size_t i) {
      std::size_t best = i;
      double least = 1e18;
      for (std::size_t j = 0; j < nuclei.size(); ++j) {
        const double d =
            std::hypot(nuclei[i].centroid_y - nuclei[j].centroid_y, nuclei[i].centroid_x - nuclei[j].centroid_x);
        if (j != i && d < least) least = d, best = j;
      }
      return best;
    };
    const auto pairs = mutual_pairs(nuclei, 10);
    std::size_t expected = 0;
    for (std::size_t i = 0; i < nuclei.size(); ++i) {
      const std::size_t j = nearest(i);
      if (j <= i || nearest(j) != i) continue;
      REQUIRE(expected < pairs.size());
      const nucleus_pair& p = pairs[expected++];
      CHECK(p.first == static_cast<index_t>(i));
      CHECK(p.second == static_cast<index_t>(j));
      CHECK(p.distance * 8 == Approx(std::hypot(nuclei[i].centroid_y - nuclei[j].centroid_y,
                                                nuclei[i].centroid_x - nuclei[j].centroid_x)));
      const double a = nuclei[i].mean_intensity[0] - 10, b = nuclei[j].mean_intensity[0] - 10;
      CHECK(p.intensity == Approx(std::min(a, b) / std::max(a, b)));
    }
    CHECK(expected == pairs.size());
  }
}

TEST_CASE("two alike and close are a pair, others are not", "[quantify]") {
  const label_map nuclei = with_ellipses(60, 160,
                                         {{30, 15, 6, 6, 0},
                                          {30, 30, 6, 6, 0},
                                          {30, 70, 6, 6, 0},
                                          {30, 84, 3, 3, 0},
                                          {30, 120, 6, 6, 0},
                                          {30, 150, 6, 6, 0}});
  const auto partner = pair_nuclei(measure_regions(nuclei));
  CHECK(partner == std::vector<index_t>{1, 0, -1, -1, -1, -1});  // 70 and 84 differ in size, 120 and 152 are far apart
  CHECK(pair_nuclei({}).empty());
}

TEST_CASE("criteria of pairs are learned from annotated cells", "[quantify]") {
  const dataset train = synthetic_dataset(8, {.binuclear_fraction = 0.4f}, 3),
                test = synthetic_dataset(8, {.binuclear_fraction = 0.4f}, 4);
  const auto pairs_of = [](const dataset& set) {
    std::vector<known_pair> all;
    for (index_t i = 0; i < set.size(); ++i) {
      const example e = set.load(i);
      const auto some = known_pairs(e.truth.labels, e.truth.nuclei, e.picture.pixels);
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  };
  const auto f1 = [](const std::vector<known_pair>& pairs, const pair_criteria& c) {
    double right = 0, told = 0, there = 0;
    for (const known_pair& k : pairs)
      told += k.pair.meets(c), there += k.one_cell, right += k.one_cell && k.pair.meets(c);
    return 2 * right / (told + there);
  };
  const auto seen = pairs_of(train), fresh = pairs_of(test);
  const pair_criteria learned = fit_pair_criteria(seen);
  INFO("distance " << learned.distance << " area " << learned.area << " intensity " << learned.intensity << " f1 "
                   << f1(fresh, learned) << " default " << f1(fresh, {}));
  CHECK(f1(seen, learned) >= f1(seen, {}));
  CHECK(f1(fresh, learned) > 0.9);
  CHECK(fit_pair_criteria({}).distance == pair_criteria{}.distance);
}
