#include <aixcell/kernels/cpu/adaptive_pool.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

namespace {

/// Calls f(cell row, cell column, row, column, pixels of the cell) for each pixel of each cell.
template <class Function>
void for_each_pixel_of_cells(const shape& x, index_t rows, index_t columns, Function&& f) {
  const auto first = [](index_t i, index_t n, index_t cells) { return i * n / cells; };
  const auto last = [](index_t i, index_t n, index_t cells) { return ((i + 1) * n + cells - 1) / cells; };
  for (index_t r = 0; r < rows; ++r)
    for (index_t q = 0; q < columns; ++q) {
      const index_t height = last(r, x[1], rows) - first(r, x[1], rows);
      const index_t width = last(q, x[2], columns) - first(q, x[2], columns);
      for (index_t i = 0; i < height; ++i)
        for (index_t j = 0; j < width; ++j)
          f(r, q, first(r, x[1], rows) + i, first(q, x[2], columns) + j, static_cast<double>(height * width));
    }
}

}  // namespace

TEMPLATE_TEST_CASE("means over cells and their adjoint equal plain loops", "[kernels][cpu]", float, double) {
  using Real = TestType;
  const double tolerance = sizeof(Real) == 4 ? 3e-6 : 1e-13;
  context<cpu> ctx(2);
  for (const shape& s : {shape{1, 1, 1, 1}, shape{2, 7, 5, 3}, shape{1, 6, 12, 4}, shape{2, 33, 41, 17}})
    for (const auto& [rows, columns] : {std::pair<index_t, index_t>{1, 1}, {2, 2}, {3, 5}, {6, 6}}) {
      CAPTURE(to_string(s), rows, columns);
      const shape cells{s[0], rows, columns, s[3]};
      const auto x = random_tensor<Real>(s, 1), dy = random_tensor<Real>(cells, 2);
      tensor<double> y(cells), dx(s);
      for (index_t n = 0; n < s[0]; ++n)
        for (index_t c = 0; c < s[3]; ++c)
          for_each_pixel_of_cells(s, rows, columns, [&](index_t r, index_t q, index_t i, index_t j, double pixels) {
            y(n, r, q, c) += static_cast<double>(x(n, i, j, c)) / pixels;
            dx(n, i, j, c) += static_cast<double>(dy(n, r, q, c)) / pixels;
          });
      tensor<Real> found_y(cells), found_dx(s);
      found_dx.fill(Real(7));
      adaptive_average<Real>(ctx, x, found_y);
      adaptive_average_backward<Real>(ctx, dy, found_dx);
      CHECK(relative_difference(found_y, y) < tolerance);
      CHECK(relative_difference(found_dx, dx) < tolerance);
    }
  tensor<Real> x({2, 4, 4, 3}), wrong({2, 2, 2, 1});
  CHECK_THROWS_AS(adaptive_average<Real>(ctx, x, wrong), shape_error);
  CHECK_THROWS_AS(adaptive_average_backward<Real>(ctx, wrong, x), shape_error);
}

}  // namespace aixcell
