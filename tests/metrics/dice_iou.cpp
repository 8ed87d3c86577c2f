#include <aixcell/metrics/dice_iou.hpp>
#include "metrics/label_images.hpp"
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("Dice and IoU by hand", "[metrics]") {
  // 0: 3 true, 3 predicted, 2 shared; 1: 4 true, 3 predicted, 3 shared; 2: 0 true, 1 predicted; one pixel ignored
  const auto pixels = pixel_confusion(drawn("...1/1#11"), drawn("..21/1.1."), 4);
  const semantic_scores scores = scores_of(pixels);
  CHECK(scores.classes[0].f1 == Approx(4.0 / 6));
  CHECK(scores.classes[0].iou == Approx(2.0 / 4));
  CHECK(scores.classes[1].f1 == Approx(6.0 / 7));
  CHECK(scores.classes[1].iou == Approx(3.0 / 4));
  CHECK(scores.classes[2].f1 == 0);
  CHECK_FALSE(scores.classes[3].present());
  CHECK(scores.mean_dice == Approx((4.0 / 6 + 6.0 / 7) / 3));
  CHECK(scores.mean_iou == Approx((0.5 + 0.75) / 3));
  CHECK(scores.pixel_accuracy == Approx(5.0 / 7));
}

TEST_CASE("Dice and IoU at their limits", "[metrics]") {
  CHECK(scores_of(pixel_confusion(drawn("##"), drawn(".1"), 2)).mean_dice == 1);
  CHECK(scores_of(pixel_confusion(drawn(".1"), drawn(".1"), 2)).mean_iou == 1);
  CHECK_THROWS_AS(pixel_confusion(drawn(".2"), drawn(".1"), 2), data_error);
  CHECK_THROWS_AS(pixel_confusion(drawn("..1"), drawn(".1"), 2), shape_error);
}
