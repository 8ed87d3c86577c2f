#include <aixcell/kernels/cpu/upsample.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

struct resize_case {
  shape x, y;
};
const resize_case resizings[] = {{{1, 1, 1, 1}, {1, 3, 2, 1}}, {{2, 3, 4, 5}, {2, 6, 8, 5}}, {{2, 3, 4, 17}, {2, 5, 7, 17}},
                             {{1, 2, 5, 3}, {1, 9, 5, 3}}, {{1, 4, 4, 2}, {1, 4, 4, 2}}, {{1, 7, 9, 2}, {1, 3, 4, 2}}};

/// Weight of input position h in output position i, from the definition.
double weight(index_t h, index_t from, index_t i, index_t to, interpolation mode) {
  if (mode == interpolation::nearest)
    return h == static_cast<index_t>(
                    std::floor(static_cast<double>(i) * static_cast<double>(from) / static_cast<double>(to)))
               ? 1
               : 0;
  double centre = (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
  centre = std::min(std::max(centre, 0.0), static_cast<double>(from - 1));
  return std::max(0.0, 1 - std::abs(centre - static_cast<double>(h)));
}

}  // namespace

TEMPLATE_TEST_CASE("upsample and its adjoint equal the definition", "[kernels][cpu]", float, double, bfloat16) {
  using Real = TestType;
  context<cpu> ctx(2);
  for (const resize_case& c : resizings)
    for (const interpolation mode : {interpolation::nearest, interpolation::bilinear}) {
      CAPTURE(to_string(c.x), to_string(c.y), static_cast<int>(mode));
      const auto x = random_tensor<Real>(c.x, 1), dy = random_tensor<Real>(c.y, 2);
      tensor<double> y(c.y), dx(c.x);
      for (index_t n = 0; n < c.y[0]; ++n)
        for (index_t i = 0; i < c.y[1]; ++i)
          for (index_t j = 0; j < c.y[2]; ++j)
            for (index_t h = 0; h < c.x[1]; ++h)
              for (index_t w = 0; w < c.x[2]; ++w)
                for (index_t k = 0; k < c.x[3]; ++k) {
                  const double share = weight(h, c.x[1], i, c.y[1], mode) * weight(w, c.x[2], j, c.y[2], mode);
                  y(n, i, j, k) += share * x(n, h, w, k);
                  dx(n, h, w, k) += share * dy(n, i, j, k);
                }
      tensor<Real> found(c.y), found_dx(c.x);
      upsample<Real>(ctx, x, mode, found);
      CHECK(relative_difference(found, y) < tolerance_of<Real>());
      found_dx.fill(Real(99));
      upsample_backward<Real>(ctx, dy, mode, found_dx);
      CHECK(relative_difference(found_dx, dx) < tolerance_of<Real>());
    }
}

TEST_CASE("upsample refuses another batch or channel count", "[kernels]") {
  context<dry> ctx;
  tensor<float, dry> x(ctx, {1, 2, 2, 3}), y(ctx, {1, 4, 4, 4});
  CHECK_THROWS_WITH(upsample<float>(ctx, x, interpolation::nearest, y),
                    "upsample: expected shape [1,4,4,3], found [1,4,4,4]");
}

}  // namespace aixcell
