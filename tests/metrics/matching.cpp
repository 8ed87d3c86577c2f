#include <aixcell/metrics/matching.hpp>
#include <map>
#include "metrics/label_images.hpp"
#include "support/catch.hpp"

using namespace aixcell;

namespace {

struct best_of_all {
  index_t matches = 0;
  double iou = 0;
};

/// Enumerates every one-to-one assignment of pairs with IoU >= threshold.
void enumerate(const std::vector<std::vector<double>>& iou, double threshold, std::size_t row, std::vector<bool>& used,
               best_of_all now, best_of_all& best) {
  if (row == iou.size()) {
    if (now.matches > best.matches || (now.matches == best.matches && now.iou > best.iou)) best = now;
    return;
  }
  enumerate(iou, threshold, row + 1, used, now, best);
  for (std::size_t c = 0; c < used.size(); ++c) {
    if (used[c] || iou[row][c] < threshold) continue;
    used[c] = true;
    enumerate(iou, threshold, row + 1, used, {now.matches + 1, now.iou + iou[row][c]}, best);
    used[c] = false;
  }
}

/// IoU of every pair of objects straight from its definition.
std::vector<std::vector<double>> iou_table(const label_map& truth, const label_map& found, index_t objects) {
  std::vector<std::vector<double>> table;
  for (int t = 1; t <= objects; ++t) {
    std::vector<double> row;
    for (int p = 1; p <= objects; ++p) {
      double both = 0, any = 0;
      for (index_t i = 0; i < truth.size(); ++i) {
        if (truth[i] < 0 || found[i] < 0) continue;
        both += truth[i] == t && found[i] == p;
        any += truth[i] == t || found[i] == p;
      }
      row.push_back(any > 0 ? both / any : 0);
    }
    table.push_back(row);
  }
  return table;
}

index_t objects_in(const label_map& labels, const label_map& other) {
  std::map<int, bool> seen;
  for (index_t i = 0; i < labels.size(); ++i)
    if (labels[i] > 0 && other[i] >= 0) seen[labels[i]] = true;
  return static_cast<index_t>(seen.size());
}

}  // namespace

TEST_CASE("matching equals brute force", "[metrics]") {
  random_stream random(3);
  index_t ambiguous = 0;
  for (int round = 0; round < 1500; ++round) {
    const index_t objects = random.below(6);
    const float ignored = random.chance(0.5f) ? 0.1f : 0.0f;
    const auto truth = random_labels(random, {.height = 6, .width = 7, .objects = objects, .ignored = ignored});
    auto found = random_labels(random, {.height = 6, .width = 7, .objects = objects});
    for (index_t i = 0; i < found.size(); ++i)
      if (random.chance(0.6f)) found[i] = std::max(0, truth[i]);  // so that high thresholds are met, too
    const auto iou = iou_table(truth, found, objects);
    for (const double threshold : {0.05, 0.2, 0.25, 1.0 / 3, 0.5, 0.6, 0.75, 0.95, 1.0}) {
      best_of_all best;
      std::vector<bool> used(static_cast<std::size_t>(objects));
      enumerate(iou, threshold, 0, used, {}, best);
      const matching_result result = matching(truth, found, {.threshold = threshold});
      CHECK(result.counts.true_positives == best.matches);
      CHECK(result.counts.matched_iou == Approx(best.iou).margin(1e-12));
      CHECK(result.counts.truth() == objects_in(truth, found));
      CHECK(result.counts.predicted() == objects_in(found, truth));

      double sum = 0;
      index_t candidates = 0;
      for (const auto& row : iou)
        for (const double value : row) candidates += value >= threshold;
      ambiguous += candidates > best.matches;
      std::map<int, int> truths, predicteds;
      for (const auto& pair : result.pairs) {
        CHECK(pair.iou == iou[static_cast<std::size_t>(pair.truth) - 1][static_cast<std::size_t>(pair.predicted) - 1]);
        CHECK(pair.iou >= threshold);
        CHECK(++truths[pair.truth] == 1);
        CHECK(++predicteds[pair.predicted] == 1);
        sum += pair.iou;
      }
      CHECK(sum == Approx(best.iou).margin(1e-12));

      const double tp = static_cast<double>(best.matches), fp = static_cast<double>(result.counts.false_positives),
                   fn = static_cast<double>(result.counts.false_negatives);
      if (tp + fp + fn == 0) continue;
      CHECK(result.scores.average_precision == tp / (tp + fp + fn));
      CHECK(result.scores.panoptic_quality == Approx(best.iou / (tp + fp / 2 + fn / 2)).margin(1e-12));
    }
  }
  CHECK(ambiguous > 500);  // the solver had something to decide
}

TEST_CASE("matching of cases computed by hand", "[metrics]") {
  // Two true objects of 4 pixels. Predicted: 1 hits three of the first (IoU 3/4), 2 hits nothing, 3 hits two of the
  // second and two of background (IoU 2/6).
  const auto truth = drawn("1111..../....2222/........");
  const auto found = drawn("111.22../....33../....33..");
  const auto half = matching(truth, found, {.threshold = 0.5});
  CHECK(half.counts.true_positives == 1);
  CHECK(half.counts.false_positives == 2);
  CHECK(half.counts.false_negatives == 1);
  CHECK(half.scores.precision == 1.0 / 3);
  CHECK(half.scores.recall == 0.5);
  CHECK(half.scores.f1 == 2.0 / 5);
  CHECK(half.scores.average_precision == 0.25);
  CHECK(half.scores.mean_matched_score == 0.75);
  CHECK(half.scores.mean_true_score == 0.375);
  CHECK(half.scores.panoptic_quality == Approx(0.75 / 2.5));
  REQUIRE(half.pairs.size() == 1);
  CHECK(half.pairs[0].truth == 1);
  CHECK(half.pairs[0].predicted == 1);

  CHECK(matching(truth, found, {.threshold = 0.75}).counts.true_positives == 1);  // the threshold itself counts
  CHECK(matching(truth, found, {.threshold = 0.76}).counts.true_positives == 0);
  CHECK(matching(truth, found, {.threshold = 0.3}).counts.true_positives == 2);
}

TEST_CASE("two halves of one object are one match", "[metrics]") {
  const auto result = matching(drawn("1111"), drawn("1122"));  // both have IoU 1/2
  CHECK(result.counts.true_positives == 1);
  CHECK(result.counts.false_positives == 1);
}

TEST_CASE("more matches win over a better one", "[metrics]") {
  // IoU 1-1: 4/9, 1-2: 2/8, 2-1: 1/7. Object 2 only fits predicted 1, so both match only if object 1 takes predicted 2.
  const auto truth = drawn("111111..2");
  const auto found = drawn("22111...1");
  // 1-1: 3/7, 1-2: 2/6, 2-1: 1/4
  const auto result = matching(truth, found, {.threshold = 0.25});
  REQUIRE(result.pairs.size() == 2);
  CHECK(result.pairs[0].predicted == 2);
  CHECK(result.pairs[1].predicted == 1);
  CHECK(matching(truth, found, {.threshold = 0.3}).pairs[0].predicted == 1);
}

TEST_CASE("nothing there", "[metrics]") {
  const auto empty = drawn("...."), one = drawn(".11.");
  CHECK(matching(empty, empty).scores.average_precision == 1);
  CHECK(matching(empty, empty).scores.panoptic_quality == 1);
  CHECK(matching(empty, one).scores.average_precision == 0);
  CHECK(matching(empty, one).scores.recall == 0);
  CHECK(matching(one, empty).scores.precision == 0);
  CHECK(matching(one, one).scores.mean_true_score == 1);
  CHECK(matching(drawn(".##."), one).scores.average_precision == 1);  // the prediction lies where nobody annotated
  CHECK_THROWS_AS(matching(one, one, {.threshold = 0}), data_error);
  CHECK_THROWS_AS(matching(one, one, {.threshold = 1.5}), data_error);
}

TEST_CASE("matching does not depend on the numbers", "[metrics]") {
  random_stream random(8);
  for (int round = 0; round < 100; ++round) {
    const auto truth = random_labels(random, {.objects = 6}), found = random_labels(random, {.objects = 6});
    auto renumbered = found.clone();
    for (auto& label : renumbered)
      if (label > 0) label = 1'000'000'007 - 1000 * label;  // gaps, and the order reversed
    for (const double threshold : {0.1, 0.3, 0.5, 0.7}) {
      const auto a = matching(truth, found, {.threshold = threshold});
      const auto b = matching(truth, renumbered, {.threshold = threshold});
      CHECK(a.counts.true_positives == b.counts.true_positives);
      CHECK(a.counts.matched_iou == Approx(b.counts.matched_iou));
    }
    const auto swapped = matching(found, truth, {.threshold = 0.3});
    CHECK(swapped.scores.average_precision == matching(truth, found, {.threshold = 0.3}).scores.average_precision);
  }
}

TEST_CASE("a data set is pooled and averaged", "[metrics]") {
  dataset_matching all;
  CHECK(all.summary()[0].by_image.average_precision == 1);
  all.add(drawn("11.22.33"), drawn("11.22.33"));        // 3 of 3
  all.add(drawn("111111111.2"), drawn("111111....."));  // IoU 6/9 once, one missed
  const auto summary = all.summary();
  REQUIRE(summary.size() == 10);
  CHECK(summary[0].threshold == 0.5);
  CHECK(summary[9].threshold == 0.95);
  CHECK(summary[0].pooled.average_precision == 4.0 / 5);
  CHECK(summary[0].by_image.average_precision == 0.75);
  CHECK(summary[3].pooled.average_precision == 4.0 / 5);  // 0.65
  CHECK(summary[4].pooled.average_precision == 3.0 / 6);  // 0.7
  CHECK(summary[4].by_image.average_precision == 0.5);
  CHECK(all.mean_average_precision() == Approx(0.4 * 0.8 + 0.6 * 0.5));
  CHECK(all.images()[1][0].false_negatives == 1);
}

TEST_CASE("65,536 objects match quickly", "[metrics]") {
  constexpr index_t side = 256, cell = 4;
  label_map truth({side * cell, side * cell}), found({side * cell, side * cell});
  for (index_t y = 0; y < side * cell; ++y)
    for (index_t x = 0; x < side * cell; ++x) {
      truth(y, x) = static_cast<std::int32_t>(y / cell * side + x / cell + 1);
      const index_t shifted = std::min(x + 1, side * cell - 1);  // every object overlaps two: one chain in each row
      found(y, x) = static_cast<std::int32_t>(y / cell * side + shifted / cell + 1);
    }
  const overlap_table table = overlaps(truth, found);
  CHECK(matching(table, {.threshold = 0.5}).counts.true_positives == side * side);
  CHECK(matching(table, {.threshold = 0.1}).counts.true_positives == side * side);  // 12/20 and 4/28: solver at work
}
