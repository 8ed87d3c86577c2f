#include <aixcell/metrics/aji.hpp>
#include "metrics/label_images.hpp"
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("aggregated Jaccard index by hand", "[metrics]") {
  // 1-1: 3 of 4; 2 finds nothing (2 pixels); predicted 2 (2 pixels) is taken by nobody.
  CHECK(aggregated_jaccard_index(drawn("1111.22..."), drawn("111.....22")) == Approx(3.0 / (4 + 2 + 2)));
  CHECK(aggregated_jaccard_index(drawn("1122"), drawn("1122")) == 1);
  CHECK(aggregated_jaccard_index(drawn("...."), drawn("....")) == 1);
  CHECK(aggregated_jaccard_index(drawn("...."), drawn("11..")) == 0);
  CHECK(aggregated_jaccard_index(drawn("11.."), drawn("....")) == 0);
  // One predicted object over two true ones counts for both, as in the paper: (2 + 2) / (4 + 4).
  CHECK(aggregated_jaccard_index(drawn("1122"), drawn("3333")) == 0.5);
  CHECK(aggregated_jaccard_index(drawn("11##"), drawn("1122")) == 1);
}

TEST_CASE("aggregated Jaccard index equals its algorithm written plainly", "[metrics]") {
  random_stream random(21);
  for (int round = 0; round < 300; ++round) {
    const auto truth = random_labels(random, {.objects = 5}), found = random_labels(random, {.objects = 5});
    double intersections = 0, unions = 0;
    std::vector<bool> taken(6, false);
    for (int t = 1; t <= 5; ++t) {
      double best = -1, best_both = 0, best_any = 0, area = 0;
      int best_label = 0;
      for (int p = 1; p <= 5; ++p) {
        double both = 0, any = 0;
        area = 0;
        for (index_t i = 0; i < truth.size(); ++i) {
          both += truth[i] == t && found[i] == p;
          any += truth[i] == t || found[i] == p;
          area += truth[i] == t;
        }
        if (both > 0 && both / any > best) {
          best = both / any;
          best_both = both;
          best_any = any;
          best_label = p;
        }
      }
      if (area == 0) continue;
      if (best_label) taken[static_cast<std::size_t>(best_label)] = true;
      intersections += best_both;
      unions += best_label ? best_any : area;
    }
    for (const auto label : found)
      if (label > 0 && !taken[static_cast<std::size_t>(label)]) ++unions;
    CHECK(aggregated_jaccard_index(truth, found) == Approx(unions > 0 ? intersections / unions : 1));
  }
}
