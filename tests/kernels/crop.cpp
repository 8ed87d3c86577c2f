#include <aixcell/kernels/cpu/crop.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("the crop and its adjoint equal plain loops", "[kernels][cpu]") {
  context<cpu> ctx(2);
  struct sizes {
    shape whole, part;
  };
  for (const auto& [whole, part] : {sizes{{1, 1, 1, 1}, {1, 1, 1, 1}}, sizes{{2, 5, 7, 3}, {2, 5, 6, 3}},
                                    sizes{{2, 5, 7, 3}, {2, 1, 2, 3}}, sizes{{1, 65, 33, 17}, {1, 64, 33, 17}}}) {
    CAPTURE(to_string(whole), to_string(part));
    const auto x = random_tensor<float>(whole, 1), dy = random_tensor<float>(part, 2);
    tensor<float> y(part), dx(whole);
    for (float& v : dx) v = 7;
    crop<float>(ctx, x, y);
    crop_backward<float>(ctx, dy, dx);
    bool equal = true;
    for (index_t n = 0; n < whole[0]; ++n)
      for (index_t i = 0; i < whole[1]; ++i)
        for (index_t j = 0; j < whole[2]; ++j)
          for (index_t c = 0; c < whole[3]; ++c) {
            const bool inside = i < part[1] && j < part[2];
            equal = equal && dx(n, i, j, c) == (inside ? dy(n, i, j, c) : 0.0f);
            if (inside) equal = equal && y(n, i, j, c) == x(n, i, j, c);
          }
    CHECK(equal);
  }
  tensor<float> x({1, 4, 4, 1}), larger({1, 5, 4, 1});
  CHECK_THROWS_AS(crop<float>(ctx, x, larger), shape_error);
  CHECK_THROWS_AS(crop_backward<float>(ctx, larger, x), shape_error);
}

}  // namespace aixcell
