// A pixel that nobody annotated counts nowhere: whatever is predicted there, every metric stays as it is.
#include <aixcell/core/random.hpp>
#include <aixcell/metrics/aji.hpp>
#include <aixcell/metrics/dice_iou.hpp>
#include <aixcell/metrics/object_classes.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Squares of 4 pixels, 1..16, shifted by a pixel in the prediction.
label_map squares(index_t shift) {
  label_map labels({24, 24});
  for (index_t i = 0; i < 24; ++i)
    for (index_t j = shift; j < 24; ++j)
      if (i % 6 < 4 && (j - shift) % 6 < 4) labels(i, j) = static_cast<std::int32_t>(1 + i / 6 * 4 + (j - shift) / 6);
  return labels;
}

}  // namespace

TEST_CASE("metrics do not count what nobody annotated", "[metrics]") {
  annotation truth;
  truth.labels = squares(0);
  prediction found;
  found.labels = squares(1);
  random_stream random(1);
  for (int k = 0; k < 16; ++k) {
    truth.object_class.push_back(static_cast<int>(random.below(3)));
    found.objects.emplace_back();
    found.objects.back().object_class = static_cast<int>(random.below(3));
  }
  for (index_t i = 0; i < 24; ++i)
    for (index_t j = 0; j < 24; ++j)
      if (j >= 13 || random.chance(0.05f)) truth.labels(i, j) = ignored_label;
  const auto all_of = [&] {
    const overlap_table table = overlaps(truth.labels, found.labels);
    const match_counts counts = matching(table).counts;
    const object_class_scores classes = score_object_classes(truth, found, {.classes = 3});
    const confusion_matrix pixels = pixel_confusion(truth.labels, found.labels, 17);
    std::vector<double> values{counts.matched_iou,
                               static_cast<double>(counts.true_positives),
                               static_cast<double>(counts.false_positives),
                               static_cast<double>(counts.false_negatives),
                               aggregated_jaccard_index(table),
                               static_cast<double>(classes.true_objects),
                               static_cast<double>(classes.matched),
                               static_cast<double>(classes.correct),
                               scores_of(pixels).mean_iou,
                               static_cast<double>(pixels.total())};
    return values;
  };
  const std::vector<double> before = all_of();
  REQUIRE(before[1] > 0);
  REQUIRE(before[0] < before[1]);
  for (index_t p = 0; p < truth.labels.size(); ++p)
    if (truth.labels[p] == ignored_label) found.labels[p] = static_cast<std::int32_t>(random.below(17));
  CHECK(all_of() == before);
  // Where it is annotated, it counts.
  for (index_t p = 0; p < truth.labels.size(); ++p)
    if (truth.labels[p] != ignored_label && random.chance(0.3f)) found.labels[p] = 0;
  CHECK(all_of() != before);
}

}  // namespace aixcell::test
