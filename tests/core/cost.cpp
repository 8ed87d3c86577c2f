#include <aixcell/core/cost.hpp>

#include "support/catch.hpp"

using namespace aixcell;

TEST_CASE("costs add up", "[core]") {
  constexpr cost convolution{.flops = 100, .bytes = 30}, activation{.flops = 1, .bytes = 20};
  STATIC_REQUIRE(convolution + activation == cost{.flops = 101, .bytes = 50});
  STATIC_REQUIRE(convolution + cost{} == convolution);
  cost sum = convolution;
  (sum += activation) += activation;
  CHECK(sum == cost{.flops = 102, .bytes = 70});
}
