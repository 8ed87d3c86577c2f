#include <aixcell/kernels/cpu/pool2d.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

const shape pooled_images[] = {{1, 1, 1, 1}, {2, 5, 7, 3}, {3, 2, 9, 17}, {1, 8, 6, 4}};
const pool2d_geometry geometries[] = {{2, 2, 0}, {3, 2, 1}, {3, 1, 1}, {2, 3, 0}, {5, 2, 2}};

/// Calls f(index into x, index into y, position in the window).
template <class Function>
void for_each_cell(const shape& x, pool2d_geometry g, Function&& f) {
  const shape y = pool2d_output_shape(x, g);
  for (index_t n = 0; n < y[0]; ++n)
    for (index_t i = 0; i < y[1]; ++i)
      for (index_t j = 0; j < y[2]; ++j)
        for (index_t c = 0; c < y[3]; ++c)
          for (int r = 0; r < g.window; ++r)
            for (int s = 0; s < g.window; ++s) {
              const index_t h = i * g.stride + r - g.padding, w = j * g.stride + s - g.padding;
              if (h < 0 || h >= x[1] || w < 0 || w >= x[2]) continue;
              f(((n * x[1] + h) * x[2] + w) * x[3] + c, ((n * y[1] + i) * y[2] + j) * y[3] + c, r * g.window + s);
            }
}

}  // namespace

TEMPLATE_TEST_CASE("max_pool2d and average_pool2d equal plain loops", "[kernels][cpu]", float, double, bfloat16) {
  using Real = TestType;
  context<cpu> ctx(2);
  for (const shape& s : pooled_images)
    for (const pool2d_geometry& g : geometries) {
      CAPTURE(to_string(s), g.window, g.stride, g.padding);
      const shape ys = pool2d_output_shape(s, g);
      const auto x = random_tensor<Real>(s, 1), dy = random_tensor<Real>(ys, 2);
      tensor<double> highest(ys), mean(ys), cells(ys), dhighest(s), dmean(s);
      tensor<std::uint8_t> winner(ys);
      highest.fill(-HUGE_VAL);
      for_each_cell(s, g, [&](index_t i, index_t o, int position) {
        cells[o] += 1;
        if (x[i] > highest[o]) highest[o] = x[i], winner[o] = static_cast<std::uint8_t>(position);
      });
      for_each_cell(s, g, [&](index_t i, index_t o, int position) {
        mean[o] += x[i] / cells[o];
        dmean[i] += dy[o] / cells[o];
        if (winner[o] == position) dhighest[i] += dy[o];
      });
      tensor<Real> y(ys), dx(s);
      tensor<std::uint8_t> found(ys);
      max_pool2d<Real>(ctx, x, g, y, found);
      CHECK(relative_difference(y, highest) == 0);
      CHECK(std::equal(found.begin(), found.end(), winner.begin()));
      y.fill(Real(0));
      max_pool2d<Real>(ctx, x, g, y, {});
      CHECK(relative_difference(y, highest) == 0);
      dx.fill(Real(99));
      max_pool2d_backward<Real>(ctx, dy, found, g, dx);
      CHECK(relative_difference(dx, dhighest) < tolerance_of<Real>());
      average_pool2d<Real>(ctx, x, g, y);
      CHECK(relative_difference(y, mean) < tolerance_of<Real>());
      average_pool2d_backward<Real>(ctx, dy, g, dx);
      CHECK(relative_difference(dx, dmean) < tolerance_of<Real>());
    }
}

TEST_CASE("max_pool2d passes NaN on and takes the first of equal values", "[kernels][cpu]") {
  context<cpu> ctx(1);
  tensor<float> x({1, 2, 4, 1}), y({1, 1, 2, 1});
  tensor<std::uint8_t> winners({1, 1, 2, 1});
  x[0] = 1, x[1] = std::nanf(""), x[4] = 3;
  max_pool2d<float>(ctx, x, {}, y, winners);
  CHECK(std::isnan(y[0]));
  CHECK(winners[0] == 1);
  CHECK(winners[1] == 0);
  CHECK_THROWS_AS(max_pool2d<float>(ctx, x, {3, 1, 1}, y, winners), shape_error);
}

}  // namespace aixcell
