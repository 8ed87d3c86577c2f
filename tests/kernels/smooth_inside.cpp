#include <aixcell/kernels/cpu/smooth_inside.hpp>

#include <cmath>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("smooth_inside keeps constants, and the outside", "[kernels]") {
  random_stream random(8);
  for (const shape size : {shape{0, 4}, shape{1, 1}, shape{1, 9}, shape{8, 1}, shape{12, 13}}) {
    tensor<std::uint8_t> mask(size);
    tensor<float> map(size);
    for (index_t p = 0; p < mask.size(); ++p) {
      mask[p] = random.chance(0.6f);
      map[p] = mask[p] ? 3.0f : std::nanf("");
    }
    smooth_inside(mask, 3, map);
    for (index_t p = 0; p < mask.size(); ++p) CHECK((mask[p] ? map[p] == 3 : std::isnan(map[p])));
  }
  tensor<float> other({2, 3});
  CHECK_THROWS_AS(smooth_inside(tensor<std::uint8_t>({3, 2}), 1, other), shape_error);
}

TEST_CASE("smooth_inside: a point becomes 1 2 1 by 1 2 1, cut and renormalised at the mask", "[kernels]") {
  tensor<std::uint8_t> mask({3, 5});
  mask.fill(1);
  mask(0, 2) = 0;
  tensor<float> map({3, 5});
  map(1, 2) = 14;
  smooth_inside(mask, 1, map);
  CHECK(map(1, 2) == Approx(14 * 4.0 / 14));  // 16 less the 2 above
  CHECK(map(1, 1) == Approx(14 * 2.0 / 15));
  CHECK(map(2, 1) == Approx(14 * 1.0 / 12));
  CHECK(map(0, 2) == 0);
  CHECK(map(1, 0) == 0);
}

}  // namespace aixcell::test
