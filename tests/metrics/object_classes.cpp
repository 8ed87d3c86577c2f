#include <aixcell/metrics/object_classes.hpp>
#include "metrics/label_images.hpp"
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("classes of matched objects", "[metrics]") {
  annotation truth;
  truth.labels = drawn("11.22.33.44.55");
  truth.object_class = {0, 1, 1, -1, 0};
  prediction predicted;
  predicted.labels = drawn("22.11.33.44...");  // 5 is missed
  predicted.objects.resize(4);
  predicted.objects[0].object_class = 1;   // right: true object 2
  predicted.objects[1].object_class = 1;   // wrong: true object 1
  predicted.objects[2].object_class = -1;  // no class: wrong
  predicted.objects[3].object_class = 0;   // truth unknown: skipped

  auto scores = score_object_classes(truth, predicted, {.classes = 2});
  CHECK(scores.true_objects == 4);
  CHECK(scores.matched == 3);
  CHECK(scores.correct == 1);
  CHECK(scores.confusion.total() == 2);
  CHECK(scores.confusion.count({0, 1}) == 1);
  CHECK(scores.among_matched().estimate == Approx(1.0 / 3));
  CHECK(scores.among_all().estimate == 0.25);
  CHECK(scores.among_all().low == Approx(wilson_interval({1, 4}).low));

  scores += scores;
  CHECK(scores.correct == 2);
  CHECK(scores.confusion.total() == 4);

  truth.object_class.pop_back();
  CHECK_THROWS_WITH(score_object_classes(truth, predicted, {.classes = 2}), Catch::Contains("label 5"));
}
