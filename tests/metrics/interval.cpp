#include <aixcell/metrics/interval.hpp>
#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("Wilson interval of known cases", "[metrics]") {
  // Newcombe 1998, table I, method 3 (score): 81/263, 15/148, 0/20, 1/29
  const auto check = [](proportion p, double low, double high) {
    const interval i = wilson_interval(p);
    CHECK(i.low == Approx(low).margin(5e-5));
    CHECK(i.high == Approx(high).margin(5e-5));
  };
  check({81, 263}, 0.2553, 0.3662);
  check({15, 148}, 0.0624, 0.1605);
  check({0, 20}, 0.0, 0.1611);
  check({1, 29}, 0.0061, 0.1718);
  CHECK(wilson_interval({20, 20}).high == 1);
  CHECK(wilson_interval({20, 20}).low == Approx(1 - 0.1611).margin(5e-5));
  CHECK(wilson_interval({0, 0}).high == 1);
  CHECK_THROWS_AS(wilson_interval({3, 2}), data_error);
}

TEST_CASE("bootstrap interval", "[metrics]") {
  std::vector<double> values;
  random_stream random(1);
  for (int i = 0; i < 400; ++i) values.push_back(static_cast<double>(random.normal(5, 2)));
  const interval i = bootstrap_mean_interval(values, random_stream(2));
  const double half = 1.96 * 2 / 20;  // of the normal approximation
  CHECK(i.low < i.estimate);
  CHECK(i.estimate < i.high);
  CHECK(i.estimate - i.low == Approx(half).epsilon(0.15));
  CHECK(i.high - i.estimate == Approx(half).epsilon(0.15));
  CHECK(bootstrap_mean_interval(values, random_stream(2)).low == i.low);
  CHECK(bootstrap_mean_interval(values, random_stream(3)).low != i.low);
  CHECK(bootstrap_mean_interval({0.25}, random_stream(2)).high == 0.25);
  CHECK(bootstrap_mean_interval({}, random_stream(2)).high == 0);
  CHECK_THROWS_AS(bootstrap_mean_interval(values, random_stream(2), {.resamples = 0}), data_error);
}
