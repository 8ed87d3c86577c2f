#include <aixcell/kernels/cpu/channel_gate.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEMPLATE_TEST_CASE("means and gates of channels equal plain loops", "[kernels][cpu]", float, double) {
  using Real = TestType;
  const double tolerance = sizeof(Real) == 4 ? 1e-6 : 1e-13;
  context<cpu> ctx(2);
  for (const shape& s : {shape{1, 1, 1, 1}, shape{2, 5, 7, 3}, shape{3, 41, 37, 17}}) {
    CAPTURE(to_string(s));
    const shape row{s[0], 1, 1, s[3]};
    const auto x = random_tensor<Real>(s, 1), dy = random_tensor<Real>(s, 2), gate = random_tensor<Real>(row, 3);
    tensor<double> mean(row), y(s), dx(s), dgate(row), spread(s);
    const index_t pixels = s[1] * s[2];
    for (index_t i = 0; i < x.size(); ++i) {
      const index_t at = i / (pixels * s[3]) * s[3] + i % s[3];
      mean[at] += static_cast<double>(x[i]) / static_cast<double>(pixels);
      y[i] = static_cast<double>(gate[at]) * x[i];
      dx[i] = static_cast<double>(gate[at]) * dy[i];
      dgate[at] += static_cast<double>(dy[i]) * x[i];
      spread[i] = x[i] + static_cast<double>(gate[at]) / static_cast<double>(pixels);
    }
    tensor<Real> found_mean(row), found_y(s), found_dx(s), found_dgate(row), found_spread = x.clone();
    spatial_mean<Real>(ctx, x, found_mean);
    CHECK(relative_difference(found_mean, mean) < tolerance);
    spatial_mean_backward<Real>(ctx, gate, found_spread);
    CHECK(relative_difference(found_spread, spread) < tolerance);
    gate_channels<Real>(ctx, x, gate, found_y);
    CHECK(relative_difference(found_y, y) < tolerance);
    gate_channels_backward<Real>(ctx, dy, x, gate, found_dx, found_dgate);
    CHECK(relative_difference(found_dx, dx) < tolerance);
    CHECK(relative_difference(found_dgate, dgate) < tolerance);
  }
  tensor<Real> x({2, 3, 3, 4}), wrong({2, 1, 1, 3});
  CHECK_THROWS_AS(spatial_mean<Real>(ctx, x, wrong), shape_error);
  CHECK_THROWS_AS(gate_channels<Real>(ctx, x, wrong, x), shape_error);
}

}  // namespace aixcell
