#include <aixcell/core/precision.hpp>
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("a precision is read as it is written", "[core]") {
  for (const precision p : every_precision) CHECK(parse_precision(to_string(p)) == p);
  CHECK_THROWS_WITH(parse_precision("half"), "precision \"half\": expected auto, float32, tf32 or bfloat16");
}

}  // namespace aixcell
