#include <aixcell/kernels/gpu/normalisation.hpp>
#include "on_device.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

// No image, no pixel, one value, odd sizes, one channel beyond a block's columns, one pixel beyond a range.
std::vector<shape> normalised_images() {
  std::vector<shape> all{{0, 2, 2, 3}, {1, 0, 4, 2}, {1, 1, 1, 1}, {2, 5, 7, 3}, {1, 3, 3, 33}, {1, 1, 257, 16}};
  if (thorough()) all.push_back({2, 65, 64, 1});
  return all;
}

}  // namespace

TEST_CASE("gpu: channel_sums equals plain loops to the bit of every schedule", "[kernels][gpu]") {
  for (const shape& s : normalised_images()) {
    CAPTURE(to_string(s));
    const auto x = random_tensor<float>(s, 1);
    tensor<double> expected({s[0], 2, s[3]}), first;
    for (index_t i = 0; i < x.size(); ++i) {
      const index_t n = i / (s.count() / s[0]), c = i % s[3];
      expected(n, 0, c) += static_cast<double>(x[i]);
      expected(n, 1, c) += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    on_every_device([&](auto& ctx) {
      const auto on = to_device(ctx, x);
      device_tensor<double> sums(ctx, expected.shape());
      channel_sums<float>(ctx, on, sums);
      const auto found = to_host(ctx, sums);
      CHECK(agrees(found, expected, 1e-11));
      if (first.empty()) first = found;
      CHECK(same_values(found, first));
    });
  }
}

TEST_CASE("gpu: scale_shift_activate and its way back equal plain loops", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const shape& s : normalised_images())
      for (const bool batch : {true, false})
        for (const bool with_residual : {true, false})
          for (const activation act : {activation::none, activation::relu, activation::silu}) {
            if (s[0] == 0 && !batch) continue;
            CAPTURE(to_string(s), batch, with_residual, static_cast<int>(act));
            const shape row{batch ? 1 : s[0], s[3]}, row3{row[0], 3, s[3]};
            const auto x = random_tensor<float>(s, 1), dy = random_tensor<float>(s, 2),
                       scale = random_tensor<float>(row, 3), shift = random_tensor<float>(row, 4),
                       factors = random_tensor<float>(row3, 5),
                       residual = with_residual ? random_tensor<float>(s, 6) : tensor<float>();
            tensor<double> y(s), dx(s), dz(s), sums({s[0], 2, s[3]});
            for (index_t i = 0; i < x.size(); ++i) {
              const index_t n = i / (s.count() / s[0]), c = i % s[3], m = batch ? 0 : n;
              const float z = scale(m, c) * x[i] + shift(m, c) + (with_residual ? residual[i] : 0);
              const auto [value, slope] = reference::activated(act, static_cast<double>(z));
              y[i] = value;
              dz[i] = static_cast<double>(dy[i]) * slope;
              sums(n, 0, c) += dz[i];
              sums(n, 1, c) += dz[i] * static_cast<double>(x[i]);
              dx[i] = static_cast<double>(factors(m, 0, c)) * dz[i] +
                      static_cast<double>(factors(m, 1, c)) * static_cast<double>(x[i]) +
                      static_cast<double>(factors(m, 2, c));
            }
            const auto on_x = to_device(ctx, x), on_dy = to_device(ctx, dy), on_scale = to_device(ctx, scale),
                       on_shift = to_device(ctx, shift), on_factors = to_device(ctx, factors);
            const auto on_residual = with_residual ? to_device(ctx, residual) : device_tensor<float>();
            const scaled_input<float, device_under_test> in{on_x, on_scale, on_shift, on_residual, act};
            device_tensor<float> found(ctx, s), found_dz(ctx, s);
            device_tensor<double> found_sums(ctx, sums.shape());
            scale_shift_activate<float>(ctx, in, found);
            CHECK(agrees(to_host(ctx, found), y, 2e-6));
            scale_shift_backward_sums<float>(ctx, on_dy, in, found_sums);
            CHECK(agrees(to_host(ctx, found_sums), sums, 1e-4));
            scale_shift_backward<float>(ctx, on_dy, in, on_factors, found,
                                        with_residual ? found_dz.as_view() : view<float, device_under_test>{});
            CHECK(agrees(to_host(ctx, found), dx, 5e-6));
            if (with_residual) CHECK(agrees(to_host(ctx, found_dz), dz, 5e-6));
            auto in_place = to_device(ctx, dy);
            scale_shift_backward<float>(ctx, in_place, in, on_factors, in_place, {});
            CHECK(same_values(to_host(ctx, in_place), to_host(ctx, found)));
          }
  });
}

TEST_CASE("gpu: batch, group and instance normalisation, forwards and backwards", "[kernels][gpu]") {
  const shape s{3, 4, 5, 6};
  const index_t pixels = s[1] * s[2];
  const double epsilon = 1e-3;
  const auto x = random_tensor<double>(s, 1), dz = random_tensor<double>(s, 2), weight = random_tensor<double>({6}, 3),
             bias = random_tensor<double>({6}, 4), before = random_tensor<double>({6}, 5);
  on_every_device([&](auto& ctx) {
    for (const normalisation_scope scope : {normalisation_scope{3, 1}, {1, 1}, {1, 3}, {1, 6}}) {
      CAPTURE(scope.images, scope.channels);
      const index_t rows = 3 / scope.images;
      const shape row{rows, 6};
      const auto on_x = to_device(ctx, x), on_dz = to_device(ctx, dz), on_weight = to_device(ctx, weight),
                 on_bias = to_device(ctx, bias);
      auto d_weight = to_device(ctx, before), d_bias = to_device(ctx, before);
      device_tensor<double> sums(ctx, {3, 2, 6}), back(ctx, {3, 2, 6}), mean(ctx, row), variance(ctx, row),
          scale(ctx, row), shift(ctx, row), factors(ctx, {rows, 3, 6}), y(ctx, s), dx(ctx, s);
      channel_sums<double>(ctx, on_x, sums);
      normalisation_moments<double>(ctx, sums, pixels, scope, {mean, variance});
      const normalisation_inputs<double, device_under_test> in{mean, variance, on_weight, on_bias, epsilon};
      normalisation_coefficients<double>(ctx, in, scale, shift);
      const scaled_input<double, device_under_test> scaled{on_x, scale, shift, {}, activation::none};
      scale_shift_activate<double>(ctx, scaled, y);
      scale_shift_backward_sums<double>(ctx, on_dz, scaled, back);
      normalisation_backward<double>(ctx, back, pixels, scope, in, {d_weight, d_bias, factors});
      scale_shift_backward<double>(ctx, on_dz, scaled, factors, dx, {});

      // From the definition: normalise, and differentiate through mean and variance.
      tensor<double> want_y(s), want_dx(s), want_weight = before.clone(), want_bias = before.clone();
      const auto group_of = [&](index_t i) {
        return i / 120 / scope.images * (6 / scope.channels) + i % 6 / scope.channels;
      };
      for (index_t g = 0; g < rows * (6 / scope.channels); ++g) {
        double count = 0, sum = 0, square = 0;
        for (index_t i = 0; i < x.size(); ++i)
          if (group_of(i) == g) count += 1, sum += x[i], square += x[i] * x[i];
        const double m = sum / count, deviation = std::sqrt(square / count - m * m + epsilon);
        double a = 0, b = 0;
        for (index_t i = 0; i < x.size(); ++i)
          if (group_of(i) == g) {
            const double hat = (x[i] - m) / deviation;
            want_y[i] = hat * weight[i % 6] + bias[i % 6];
            want_weight[i % 6] += dz[i] * hat;
            want_bias[i % 6] += dz[i];
            a += dz[i] * weight[i % 6];
            b += dz[i] * weight[i % 6] * hat;
          }
        for (index_t i = 0; i < x.size(); ++i)
          if (group_of(i) == g)
            want_dx[i] = (dz[i] * weight[i % 6] - (a + (x[i] - m) / deviation * b) / count) / deviation;
      }
      CHECK(agrees(to_host(ctx, y), want_y, 1e-11));
      CHECK(agrees(to_host(ctx, dx), want_dx, 1e-11));
      CHECK(agrees(to_host(ctx, d_weight), want_weight, 1e-11));
      CHECK(agrees(to_host(ctx, d_bias), want_bias, 1e-11));
    }
    device_tensor<double> sums(ctx, {3, 2, 6}), mean(ctx, {3, 6}), variance(ctx, {3, 6});
    CHECK_THROWS_AS(normalisation_moments<double>(ctx, sums, 20, {1, 4}, {mean, variance}), shape_error);
  });
}

TEST_CASE("gpu: running statistics move towards the batch's", "[kernels][gpu]") {
  const auto mean = random_tensor<float>({1, 65}, 1), variance = random_tensor<float>({1, 65}, 2),
             old_mean = random_tensor<float>({1, 65}, 3), old_variance = random_tensor<float>({1, 65}, 4);
  on_every_device([&](auto& ctx) {
    const auto on_mean = to_device(ctx, mean), on_variance = to_device(ctx, variance);
    auto running_mean = to_device(ctx, old_mean), running_variance = to_device(ctx, old_variance);
    move_running_statistics<float>(ctx, {on_mean, on_variance, 10, 0.25}, {running_mean, running_variance});
    tensor<double> want_mean({1, 65}), want_variance({1, 65});
    for (index_t c = 0; c < 65; ++c) {
      want_mean[c] = 0.75 * static_cast<double>(old_mean[c]) + 0.25 * static_cast<double>(mean[c]);
      want_variance[c] =
          0.75 * static_cast<double>(old_variance[c]) + 0.25 * 10.0 / 9 * static_cast<double>(variance[c]);
    }
    CHECK(agrees(to_host(ctx, running_mean), want_mean, 1e-6));
    CHECK(agrees(to_host(ctx, running_variance), want_variance, 1e-6));
  });
}

}  // namespace aixcell
