#include <aixcell/metrics/confusion.hpp>
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("confusion matrix by hand", "[metrics]") {
  confusion_matrix matrix(3);  // class 2 never occurs
  matrix.add({0, 0}, 20);
  matrix.add({0, 1}, 5);
  matrix.add({1, 0}, 10);
  matrix.add({1, 1}, 15);
  CHECK(matrix.total() == 50);
  CHECK(matrix.accuracy() == 0.7);
  CHECK(matrix.balanced_accuracy() == Approx((0.8 + 0.6) / 2));
  CHECK(matrix.macro_f1() == Approx((40.0 / 55 + 30.0 / 45) / 2));
  CHECK(matrix.cohen_kappa() == Approx(0.4));  // the example of the textbooks: (0.7 - 0.5) / (1 - 0.5)
  CHECK(matrix.scores(0).precision == Approx(2.0 / 3));
  CHECK(matrix.scores(0).recall == 0.8);
  CHECK(matrix.scores(0).f1 == Approx(40.0 / 55));
  CHECK(matrix.scores(0).iou == Approx(20.0 / 35));
  CHECK(matrix.scores(1).truth == 25);
  CHECK(matrix.scores(1).predicted == 20);
  CHECK_FALSE(matrix.scores(2).present());
  CHECK(matrix.scores(2).recall == 0);

  confusion_matrix sum;
  sum += matrix;
  sum += matrix;
  CHECK(sum.count({1, 0}) == 20);
}

TEST_CASE("confusion matrix at its limits", "[metrics]") {
  confusion_matrix matrix(2);
  CHECK(matrix.accuracy() == 1);
  CHECK(matrix.balanced_accuracy() == 1);
  CHECK(matrix.cohen_kappa() == 1);
  matrix.add({1, 1}, 4);
  CHECK(matrix.cohen_kappa() == 1);
  CHECK(matrix.balanced_accuracy() == 1);
  CHECK_THROWS_AS(matrix.add({2, 0}), data_error);
  CHECK_THROWS_WITH(matrix.add({0, -1}), Catch::Contains("expected classes 0..1"));
  CHECK_THROWS_AS(confusion_matrix(0), data_error);
  CHECK_THROWS_AS(matrix += confusion_matrix(3), data_error);
}
