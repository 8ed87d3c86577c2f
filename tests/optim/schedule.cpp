#include <aixcell/optim/schedule.hpp>
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("cosine_schedule: warm-up, top, middle, end", "[optim]") {
  const cosine_schedule s{.warm_up = 0.2, .floor = 0.1};
  CHECK(s.factor(0) == Approx(0.1));
  CHECK(s.factor(0.1) == Approx(0.5));
  CHECK(s.factor(0.2) == Approx(1));
  CHECK(s.factor(0.6) == Approx(0.55));  // half-way down
  CHECK(s.factor(0.4) == Approx(0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2));
  CHECK(s.factor(1) == Approx(0.1));
  CHECK(s.factor(-3) == s.factor(0));
  CHECK(s.factor(7) == s.factor(1));
  CHECK(cosine_schedule{.warm_up = 0}.factor(0) == Approx(1));
  for (double p = 0; p < 1; p += 0.01) {
    CHECK((s.factor(p) > 0 && s.factor(p) <= 1));
    if (p < 0.19) CHECK(s.factor(p) <= s.factor(p + 0.01));
    if (p >= 0.2) CHECK(s.factor(p) > s.factor(p + 0.01));
  }
}

}  // namespace aixcell
