#include <aixcell/preprocess/identity.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

TEST_CASE("identity copies", "[preprocess]") {
  context<cpu> ctx;
  check_policy(identity{}, {});
  const tensor<float> pixels = random_image({3, 5, 4}, 1), out = identity{}.apply(ctx, pixels);
  CHECK(std::equal(out.begin(), out.end(), pixels.begin()));
}

}  // namespace aixcell
