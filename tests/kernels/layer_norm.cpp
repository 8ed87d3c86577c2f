#include <aixcell/kernels/cpu/layer_norm.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEMPLATE_TEST_CASE("layer normalisation and its gradients equal plain loops", "[kernels][cpu]", float, double) {
  using Real = TestType;
  const double tolerance = sizeof(Real) == 4 ? 2e-5 : 1e-11, epsilon = 1e-6;
  context<cpu> ctx(2);
  for (const shape& s : {shape{1, 1, 1, 4}, shape{2, 5, 7, 3}, shape{1, 33, 41, 17}, shape{2, 1, 3, 96}}) {
    CAPTURE(to_string(s));
    const index_t channels = s[3], pixels = s.count() / channels;
    const auto x = random_tensor<Real>(s, 1), dy = random_tensor<Real>(s, 2);
    const auto weight = random_tensor<Real>({channels}, 3), bias = random_tensor<Real>({channels}, 4);
    tensor<double> y(s), dx(s), dweight({channels}), dbias({channels});
    for (index_t p = 0; p < pixels; ++p) {
      double mean = 0, variance = 0;
      for (index_t c = 0; c < channels; ++c) mean += static_cast<double>(x[p * channels + c]);
      mean /= static_cast<double>(channels);
      for (index_t c = 0; c < channels; ++c)
        variance +=
            (static_cast<double>(x[p * channels + c]) - mean) * (static_cast<double>(x[p * channels + c]) - mean);
      const double deviation = std::sqrt(variance / static_cast<double>(channels) + epsilon);
      // dx = (g - mean(g) - z mean(g z)) / deviation, with g = dy * weight and z = (x - mean) / deviation.
      double mean_g = 0, mean_gz = 0;
      for (index_t c = 0; c < channels; ++c) {
        const index_t at = p * channels + c;
        const double z = (static_cast<double>(x[at]) - mean) / deviation, g = static_cast<double>(dy[at]) * weight[c];
        y[at] = static_cast<double>(weight[c]) * z + static_cast<double>(bias[c]);
        dweight[c] += static_cast<double>(dy[at]) * z;
        dbias[c] += static_cast<double>(dy[at]);
        mean_g += g / static_cast<double>(channels);
        mean_gz += g * z / static_cast<double>(channels);
      }
      for (index_t c = 0; c < channels; ++c) {
        const index_t at = p * channels + c;
        const double z = (static_cast<double>(x[at]) - mean) / deviation, g = static_cast<double>(dy[at]) * weight[c];
        dx[at] = (g - mean_g - z * mean_gz) / deviation;
      }
    }
    const layer_norm_parameters<Real, cpu> parameters{weight, bias, epsilon};
    tensor<Real> found_y(s), found_dx(s), statistics({s[0], s[1], s[2], 2}), found_dweight({channels}),
        found_dbias({channels});
    layer_norm<Real>(ctx, x, parameters, found_y, statistics);
    layer_norm_backward<Real>(ctx, dy, x, statistics, parameters, found_dx, {found_dweight, found_dbias});
    CHECK(relative_difference(found_y, y) < tolerance);
    CHECK(relative_difference(found_dx, dx) < tolerance);
    CHECK(relative_difference(found_dweight, dweight) < tolerance);
    CHECK(relative_difference(found_dbias, dbias) < tolerance);
    const auto once = found_dbias.clone();  // gradients of parameters are added to
    layer_norm_backward<Real>(ctx, dy, x, statistics, parameters, found_dx, {found_dweight, found_dbias});
    for (index_t c = 0; c < channels; ++c) CHECK(found_dbias[c] == Approx(2 * once[c]));
  }
  tensor<Real> x({1, 2, 2, 3}), statistics({1, 2, 2, 2}), wrong({4}), right({3});
  CHECK_THROWS_AS(layer_norm<Real>(ctx, x, {wrong, right, epsilon}, x, statistics), shape_error);
  CHECK_THROWS_AS(layer_norm<Real>(ctx, x, {right, right, epsilon}, x, x), shape_error);
}

}  // namespace aixcell
