#include <aixcell/optim/moving_average.hpp>
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("moving_average_decay starts short-sighted and ends at its decay", "[optim]") {
  CHECK(moving_average_decay(0.999, 0) == Approx(0.1));
  CHECK(moving_average_decay(0.999, 8) == Approx(0.5));
  CHECK(moving_average_decay(0.999, 1'000'000'000) == 0.999);
  CHECK(moving_average_decay(0, 50) == 0);
  for (int s = 0; s < 5000; ++s) CHECK(moving_average_decay(0.99, s) <= moving_average_decay(0.99, s + 1));
}

}  // namespace aixcell
