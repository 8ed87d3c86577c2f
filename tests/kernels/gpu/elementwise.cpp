#include <aixcell/kernels/gpu/elementwise.hpp>
#include "on_device.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: value by value, of any count and alignment", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const index_t count : {0, 1, 3, 4, 5, 1023, 1025}) {
      CAPTURE(count);
      const auto x = random_tensor<float>({count}, 1), y = random_tensor<float>({count}, 2);
      tensor<double> sum({count});
      for (index_t i = 0; i < count; ++i) sum[i] = static_cast<double>(x[i]) + static_cast<double>(y[i]);
      const auto dx = to_device(ctx, x);
      auto dy = to_device(ctx, y);
      accumulate<float>(ctx, dx, dy);
      CHECK(agrees(to_host(ctx, dy), sum, 1e-7));
      if (count < 2) continue;
      // The same from the second value on: nothing there starts at 16 bytes.
      const auto tail = [&](auto v) { return decltype(v)(v.data() + 1, {count - 1}); };
      accumulate<float>(ctx, tail(dx.as_view()), tail(dy.as_view()));
      for (index_t i = 1; i < count; ++i) sum[i] += static_cast<double>(x[i]);
      CHECK(agrees(to_host(ctx, dy), sum, 3e-7));
    }
  });
}

TEST_CASE("gpu: activations and their slopes", "[kernels][gpu]") {
  const shape s = GENERATE(shape{1, 3, 7, 13}, shape{0, 3, 7, 13}, shape{1, 1, 1, 1}, shape{1, 5, 5, 41});
  CAPTURE(to_string(s));
  auto x = random_tensor<float>(s, 3);
  if (x.size() > 3) x[0] = 0, x[1] = 6, x[2] = -30, x[3] = 30;
  const auto dy = random_tensor<float>(s, 4);
  on_every_device([&](auto& ctx) {
    for (const activation act : reference::every_activation) {
      CAPTURE(static_cast<int>(act));
      tensor<double> y(s), dx(s);
      for (index_t i = 0; i < x.size(); ++i) {
        const auto [value, slope] = reference::activated(act, static_cast<double>(x[i]));
        y[i] = value;
        dx[i] = slope * static_cast<double>(dy[i]);
      }
      const auto on = to_device(ctx, x), gradient = to_device(ctx, dy);
      device_tensor<float> found(ctx, s);
      apply_activation<float>(ctx, on, act, found);
      CHECK(agrees(to_host(ctx, found), y, 1e-6));
      activation_backward<float>(ctx, gradient, on, act, found);
      CHECK(agrees(to_host(ctx, found), dx, 1e-6));
      auto in_place = to_device(ctx, dy);
      activation_backward<float>(ctx, in_place, on, act, in_place);
      CHECK(same_values(to_host(ctx, in_place), to_host(ctx, found)));
    }
    auto nan = to_device(ctx, [] {
      tensor<float> one({1});
      one[0] = std::nanf("");
      return one;
    }());
    apply_activation<float>(ctx, nan, activation::relu, nan);
    CHECK(std::isnan(to_host(ctx, nan)[0]));
  });
}

}  // namespace aixcell
