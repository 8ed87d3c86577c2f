#include <aixcell/metrics/balanced_accuracy.hpp>
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("balanced accuracy: one class is a Wilson interval, two are narrower", "[metrics]") {
  confusion_matrix one(2);
  one.add({0, 0}, 8);
  one.add({0, 1}, 2);
  const interval wilson = wilson_interval({8, 10}), found = balanced_accuracy_interval(one);
  CHECK(found.estimate == Approx(0.8));
  CHECK(found.low == Approx(wilson.low));
  CHECK(found.high == Approx(wilson.high));
  one.add({1, 1}, 8);
  one.add({1, 0}, 2);
  const interval both = balanced_accuracy_interval(one);
  CHECK(both.estimate == Approx(one.balanced_accuracy()));
  CHECK(both.high - both.low == Approx((wilson.high - wilson.low) / std::sqrt(2.0)));
}

TEST_CASE("balanced accuracy of nothing and of all", "[metrics]") {
  const interval nothing = balanced_accuracy_interval(confusion_matrix(3));
  CHECK(nothing.low == 0);
  CHECK(nothing.high == 1);
  confusion_matrix all(2);
  all.add({0, 0}, 4);
  all.add({1, 1}, 500);
  const interval found = balanced_accuracy_interval(all);
  CHECK(found.estimate == 1);
  CHECK(found.high == 1);
  CHECK(found.low < 0.8);  // four images prove little
}

TEST_CASE("the interval of balanced accuracy holds the truth 95 times in 100", "[metrics]") {
  random_stream random(5);
  struct imbalance {
    std::array<index_t, 3> trials;
    std::array<float, 3> recall;
  };
  for (const imbalance& of : {imbalance{{200, 60, 7}, {0.9f, 0.7f, 0.6f}}, imbalance{{40, 40, 40}, {0.5f, 0.8f, 0.95f}},
                              imbalance{{300, 11, 4}, {0.98f, 0.8f, 0.75f}}}) {
    double truth = 0;
    for (const float r : of.recall) truth += static_cast<double>(r) / 3;
    int held = 0;
    constexpr int repeats = 2000;
    for (int i = 0; i < repeats; ++i) {
      confusion_matrix m(3);
      for (int c = 0; c < 3; ++c)
        for (index_t k = 0; k < of.trials[static_cast<std::size_t>(c)]; ++k)
          m.add({c, random.chance(of.recall[static_cast<std::size_t>(c)]) ? c : (c + 1) % 3});
      const interval found = balanced_accuracy_interval(m);
      held += found.low <= truth && truth <= found.high;
    }
    CHECK(held > 0.93 * repeats);
    CHECK(held < 0.995 * repeats);
  }
}
