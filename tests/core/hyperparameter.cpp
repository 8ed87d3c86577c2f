#include <aixcell/core/hyperparameter.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace aixcell;

namespace {

struct smoothing {
  float sigma = 1.5f;
  int radius = 4;
  int fixed = 7;

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"sigma", &smoothing::sigma, 0.5f, 8.0f, scale::logarithmic},
                      hyperparameter{"radius", &smoothing::radius, 1, 16}};
  }
};

struct nothing_to_tune {};

}  // namespace

TEST_CASE("declared hyperparameters are visited with name, range and value", "[core]") {
  smoothing s;
  std::vector<std::string> seen;
  for_each_hyperparameter(s, [&](const auto& h, auto& value) {
    seen.push_back(std::string(h.name) + " " + std::to_string(static_cast<int>(h.low)) + ".." +
                   std::to_string(static_cast<int>(h.high)) + (h.scale == scale::logarithmic ? " logarithmic" : ""));
    value = h.high;
  });
  CHECK(seen == std::vector<std::string>{"sigma 0..8 logarithmic", "radius 1..16"});
  CHECK(s.sigma == 8.0f);
  CHECK(s.radius == 16);
  CHECK(s.fixed == 7);
}

TEST_CASE("hyperparameters of a const policy can be read", "[core]") {
  const smoothing s;
  double sum = 0;
  for_each_hyperparameter(s, [&](const auto&, const auto& value) { sum += static_cast<double>(value); });
  CHECK(sum == 5.5);
}

TEST_CASE("a policy without hyperparameters has none", "[core]") {
  nothing_to_tune policy;
  for_each_hyperparameter(policy, [](const auto&, auto&) { FAIL("called"); });
  SUCCEED();
}
