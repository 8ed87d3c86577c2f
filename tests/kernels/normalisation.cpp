#include <aixcell/kernels/cpu/normalisation.hpp>
#include "layers/random_tensor.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

// One pixel, one channel, odd normalised_images, more than one range of pixels per image.
const shape normalised_images[] = {{1, 1, 1, 1}, {2, 5, 7, 3}, {3, 1, 9, 17}, {2, 70, 67, 16}};

}  // namespace

TEMPLATE_TEST_CASE("channel_sums equals plain loops and repeats for any number of threads", "[kernels][cpu]", float,
                   double, bfloat16) {
  for (const shape& s : normalised_images) {
    const auto x = random_tensor<TestType>(s, 1);
    tensor<double> sums({s[0], 2, s[3]}), again({s[0], 2, s[3]}), expected({s[0], 2, s[3]});
    for (index_t i = 0; i < x.size(); ++i) {
      const index_t n = i / (s.count() / s[0]), c = i % s[3];
      expected(n, 0, c) += x[i];
      expected(n, 1, c) += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    context<cpu> one(1), five(5);
    channel_sums<TestType>(one, x, sums);
    channel_sums<TestType>(five, x, again);
    CHECK(relative_difference(sums, expected) < 1e-12);
    CHECK(std::equal(sums.begin(), sums.end(), again.begin()));
  }
}

TEMPLATE_TEST_CASE("scale_shift_activate and its backward passes equal plain loops", "[kernels][cpu]", float, double,
                   bfloat16) {
  using Real = TestType;
  using master = master_of<Real>;
  const double tolerance = tolerance_of<Real>(3e-6);
  context<cpu> ctx(2);
  for (const shape& s : normalised_images)
    for (const bool batch : {true, false})
      for (const bool with_residual : {true, false})
        for (const activation act : reference::every_activation) {
          CAPTURE(to_string(s), batch, with_residual, static_cast<int>(act));
          const shape row{batch ? 1 : s[0], s[3]}, row3{row[0], 3, s[3]};
          const auto x = random_tensor<Real>(s, 1), dy = random_tensor<Real>(s, 2);
          const auto scale = random_tensor<master>(row, 3), shift = random_tensor<master>(row, 4);
          const auto factors = random_tensor<master>(row3, 5);
          const auto residual = with_residual ? random_tensor<Real>(s, 6) : tensor<Real>();
          const scaled_input<Real, cpu> in{x, scale, shift, residual, act};
          tensor<double> y(s), dx(s), dz(s), sums({s[0], 2, s[3]});
          for (index_t i = 0; i < x.size(); ++i) {
            const index_t n = i / (s.count() / s[0]), c = i % s[3], m = batch ? 0 : n;
            // In the arithmetic under test, so that both see the kink of ReLU on the same side.
            const master z = scale(m, c) * x[i] + shift(m, c) + (with_residual ? residual[i] : master(0));
            y[i] = activate<double>(act, z);
            dz[i] = dy[i] * activate_derivative<double>(act, z);
            sums(n, 0, c) += dz[i];
            sums(n, 1, c) += dz[i] * x[i];
            dx[i] = factors(m, 0, c) * dz[i] + static_cast<double>(factors(m, 1, c)) * x[i] + factors(m, 2, c);
          }
          tensor<Real> found(s), found_dz(s);
          scale_shift_activate<Real>(ctx, in, found);
          CHECK(relative_difference(found, y) < tolerance);
          tensor<double> found_sums(sums.shape());
          scale_shift_backward_sums<Real>(ctx, dy, in, found_sums);
          CHECK(relative_difference(found_sums, sums) < tolerance);
          scale_shift_backward<Real>(ctx, dy, in, factors, found,
                                     with_residual ? found_dz.as_view() : view<Real, cpu>{});
          CHECK(relative_difference(found, dx) < tolerance);
          if (with_residual) CHECK(relative_difference(found_dz, dz) < tolerance);
          auto in_place = dy.clone();
          scale_shift_backward<Real>(ctx, in_place, in, factors, in_place, {});
          CHECK(relative_difference(in_place, dx) < tolerance);
        }
}

TEST_CASE("normalisation_moments pools the values of a scope", "[kernels][cpu]") {
  context<cpu> ctx(1);
  const shape s{3, 4, 5, 6};
  const auto x = random_tensor(s, 1);
  tensor<double> sums({3, 2, 6});
  channel_sums<double>(ctx, x, sums);
  for (const normalisation_scope scope : {normalisation_scope{3, 1}, {1, 1}, {1, 3}, {1, 6}}) {
    const index_t rows = 3 / scope.images;
    tensor<double> mean({rows, 6}), variance({rows, 6});
    normalisation_moments<double>(ctx, sums, 20, scope, {mean, variance});
    for (index_t m = 0; m < rows; ++m)
      for (index_t c = 0; c < 6; ++c) {
        double sum = 0, square = 0, count = 0;
        for (index_t i = 0; i < x.size(); ++i) {
          if (i / 120 / scope.images != m || i % 6 / scope.channels != c / scope.channels) continue;
          sum += x[i];
          square += x[i] * x[i];
          count += 1;
        }
        CHECK(mean(m, c) == Approx(sum / count).margin(1e-12));
        CHECK(variance(m, c) == Approx(square / count - sum / count * sum / count));
      }
  }
  tensor<double> mean({3, 6}), variance({3, 6});
  CHECK_THROWS_AS(normalisation_moments<double>(ctx, sums, 20, {1, 4}, {mean, variance}), shape_error);
}

TEST_CASE("normalisation refuses shapes that do not fit, dry as on the processor", "[kernels]") {
  context<dry> ctx;
  tensor<float, dry> x(ctx, {2, 3, 4, 5}), row(ctx, {1, 5}), wrong(ctx, {1, 4});
  const scaled_input<float, dry> fits{x, row, row, {}, activation::relu}, does_not{x, wrong, row, {}, activation::relu};
  scale_shift_activate<float>(ctx, fits, x);
  CHECK(ctx.spent().bytes == 2.0 * 4 * 120);
  CHECK_THROWS_WITH(scale_shift_activate<float>(ctx, does_not, x),
                    "scale_shift_activate: expected shape [1,5], found [1,4]");
}

}  // namespace aixcell
