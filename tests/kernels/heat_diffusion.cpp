#include <aixcell/kernels/cpu/heat_diffusion.hpp>

#include <cmath>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("diffuse_heat takes means of nine", "[kernels]") {
  random_stream random(4);
  for (const shape size : {shape{1, 1}, shape{1, 12}, shape{11, 1}, shape{9, 14}}) {
    tensor<std::uint8_t> inside(size);
    tensor<double> heat(size);
    for (index_t p = 0; p < inside.size(); ++p) {
      inside[p] = random.chance(0.7f);
      heat[p] = inside[p] ? static_cast<double>(random.uniform()) : 0.0;
    }
    const heat_source source{size[0] / 2, size[1] / 3, 0.7};
    inside(source.row, source.column) = 1;
    tensor<double> expected = heat.clone();
    for (int step = 0; step < 5; ++step) {
      tensor<double> before = expected.clone();
      before(source.row, source.column) += 0.7;
      for (index_t i = 0; i < size[0]; ++i)
        for (index_t j = 0; j < size[1]; ++j) {
          double sum = 0;
          for (index_t y = i - 1; y <= i + 1; ++y)
            for (index_t x = j - 1; x <= j + 1; ++x)
              if (y >= 0 && y < size[0] && x >= 0 && x < size[1]) sum += before(y, x);
          expected(i, j) = inside(i, j) ? sum / 9 : 0.0;
        }
    }
    diffuse_heat(inside, source, 5, heat);
    for (index_t p = 0; p < heat.size(); ++p) CHECK(heat[p] == Approx(expected[p]).margin(1e-15));
  }
}

TEST_CASE("diffuse_heat: no step changes nothing, a source beyond the region is refused", "[kernels]") {
  tensor<std::uint8_t> inside({3, 4});
  inside.fill(1);
  tensor<double> heat({3, 4});
  heat.fill(2);
  diffuse_heat(inside, {1, 1}, 0, heat);
  CHECK(std::all_of(heat.begin(), heat.end(), [](double v) { return v == 2; }));
  CHECK_THROWS_AS(diffuse_heat(inside, {3, 0}, 1, heat), shape_error);
  CHECK_THROWS_AS(diffuse_heat(inside, {0, -1}, 1, heat), shape_error);
  CHECK_THROWS_AS(diffuse_heat(tensor<std::uint8_t>({4, 3}), {0, 0}, 1, heat), shape_error);
}

}  // namespace aixcell::test
