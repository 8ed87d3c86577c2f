#include <aixcell/core/bfloat16.hpp>
#include "support/catch.hpp"

#include <cmath>
#include <limits>

#include <aixcell/core/random.hpp>

namespace aixcell {

TEST_CASE("bfloat16 keeps what it can hold and rounds the rest to the nearest, ties to even", "[core]") {
  for (const float exact : {0.0f, 1.0f, -2.5f, 0x1p-126f, 0x1.fep127f, 0x1p-133f}) CHECK(bfloat16(exact) == exact);
  CHECK(std::signbit(static_cast<float>(bfloat16(-0.0f))));
  CHECK(bfloat16(1.0f + 0x1p-9f) == 1.0f);
  CHECK(bfloat16(1.0f + 0x1.8p-8f) == 1.0f + 0x1p-7f);
  CHECK(bfloat16(1.0f + 0x1p-8f) == 1.0f);                        // a tie, down to even
  CHECK(bfloat16(1.0f + 0x1p-7f + 0x1p-8f) == 1.0f + 0x1p-6f);    // a tie, up to even
  CHECK(bfloat16(std::numeric_limits<float>::max()) == HUGE_VALF);
  CHECK(bfloat16(-HUGE_VALF) == -HUGE_VALF);
  CHECK(std::isnan(static_cast<float>(bfloat16(std::nanf("")))));
  CHECK(std::isnan(static_cast<float>(bfloat16(std::bit_cast<float>(0x7fffffffu)))));  // must not round to zero
  CHECK(std::isnan(static_cast<float>(bfloat16(std::bit_cast<float>(0xff800001u)))));
}

TEST_CASE("bfloat16 is never farther from a float than half its spacing", "[core]") {
  random_stream random(1);
  for (int i = 0; i < 20000; ++i) {
    const float value = std::ldexp(random.normal(), static_cast<int>(random.below(200)) - 100);
    const float stored = bfloat16(value);
    CHECK(std::abs(stored - value) <= std::abs(value) * 0x1p-8f);
  }
}

}  // namespace aixcell
