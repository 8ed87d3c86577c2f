#include <aixcell/kernels/gpu/upsample.hpp>
#include <algorithm>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

struct resize_case {
  shape x;
  index_t height, width;
};
// Twice, by odd factors, smaller, from and to one pixel, one value beyond a block.
const resize_case resizings[] = {{{2, 3, 4, 3}, 6, 8}, {{1, 5, 3, 2}, 7, 10},    {{1, 9, 8, 1}, 4, 3}, {{1, 1, 1, 5}, 4, 5},
                             {{1, 6, 5, 3}, 1, 1}, {{1, 1, 257, 1}, 1, 514}, {{0, 2, 2, 2}, 4, 4}};

/// Calls f(flat output, flat input, weight) for all that the definition has: pixel centres at i + 0.5, border continued.
void for_each_weight(const shape& x, const shape& y, interpolation mode, auto&& f) {
  const auto weight = [&](index_t o, index_t outputs, index_t i, index_t inputs) {
    if (mode == interpolation::nearest) return o * inputs / outputs == i ? 1.0 : 0.0;
    const double centre =
        (static_cast<double>(o) + 0.5) * static_cast<double>(inputs) / static_cast<double>(outputs) - 0.5;
    const double inside = std::clamp(centre, 0.0, static_cast<double>(inputs - 1));
    return std::max(0.0, 1 - std::abs(inside - static_cast<double>(i)));
  };
  for (index_t n = 0; n < y[0]; ++n)
    for (index_t i = 0; i < y[1]; ++i)
      for (index_t h = 0; h < x[1]; ++h) {
        const double down = weight(i, y[1], h, x[1]);
        if (down == 0) continue;
        for (index_t j = 0; j < y[2]; ++j)
          for (index_t w = 0; w < x[2]; ++w)
            if (const double right = weight(j, y[2], w, x[2]); right != 0)
              for (index_t c = 0; c < x[3]; ++c)
                f(((n * y[1] + i) * y[2] + j) * y[3] + c, ((n * x[1] + h) * x[2] + w) * x[3] + c, down * right);
      }
}

}  // namespace

TEST_CASE("gpu: resizing and its adjoint equal the definition", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const resize_case& r : resizings)
      for (const interpolation mode : {interpolation::nearest, interpolation::bilinear}) {
        const shape ys{r.x[0], r.height, r.width, r.x[3]};
        CAPTURE(to_string(r.x), to_string(ys), static_cast<int>(mode));
        const auto x = random_tensor<float>(r.x, 1), dy = random_tensor<float>(ys, 2);
        tensor<double> y(ys), dx(r.x);
        for_each_weight(r.x, ys, mode, [&](index_t o, index_t i, double weight) {
          y[o] += weight * static_cast<double>(x[i]);
          dx[i] += weight * static_cast<double>(dy[o]);
        });
        const auto on_x = to_device(ctx, x), on_dy = to_device(ctx, dy);
        device_tensor<float> found(ctx, ys), found_dx(ctx, r.x);
        upsample<float>(ctx, on_x, mode, found);
        CHECK(agrees(to_host(ctx, found), y, 1e-6));
        upsample_backward<float>(ctx, on_dy, mode, found_dx);
        CHECK(agrees(to_host(ctx, found_dx), dx, 2e-6));
      }
  });
}

}  // namespace aixcell
