#include <aixcell/kernels/cpu/patches.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("patches and their adjoint equal plain loops", "[kernels][cpu]") {
  context<cpu> ctx(2);
  for (const shape& s : {shape{1, 1, 1, 1}, shape{2, 8, 6, 3}, shape{2, 9, 7, 5}, shape{1, 3, 130, 2}})
    for (const index_t size : {index_t{1}, index_t{2}, index_t{4}}) {
      CAPTURE(to_string(s), size);
      const auto x = random_tensor<float>(s, 1);
      const shape p = patches_shape(s, size);
      const auto dy = random_tensor<float>(p, 2);
      tensor<float> y(p), expected(p), dx(s), expected_dx(s);
      for (float& v : y) v = 7;   // overwritten,
      for (float& v : dx) v = 7;  // both
      for (index_t n = 0; n < s[0]; ++n)
        for (index_t i = 0; i < s[1]; ++i)
          for (index_t j = 0; j < s[2]; ++j)
            for (index_t c = 0; c < s[3]; ++c) {
              const index_t channel = (i % size * size + j % size) * s[3] + c;
              expected(n, i / size, j / size, channel) = x(n, i, j, c);
              expected_dx(n, i, j, c) = dy(n, i / size, j / size, channel);
            }
      to_patches<float>(ctx, x, size, y);
      from_patches<float>(ctx, dy, size, dx);
      CHECK(std::equal(y.begin(), y.end(), expected.begin()));
      CHECK(std::equal(dx.begin(), dx.end(), expected_dx.begin()));
    }
  tensor<float> x({1, 4, 4, 1}), wrong({1, 2, 2, 3});
  CHECK_THROWS_AS(to_patches<float>(ctx, x, 2, wrong), shape_error);
  CHECK_THROWS_AS(from_patches<float>(ctx, wrong, 2, x), shape_error);
}

}  // namespace aixcell
