#include <aixcell/kernels/gpu/pool2d.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

struct pool_case {
  shape x;
  pool2d_geometry g;
};
const pool_case poolings[] = {{{0, 4, 4, 2}, {}},         {{1, 1, 1, 1}, {}},        {{1, 5, 7, 3}, {}},
                           {{2, 6, 9, 5}, {3, 2, 1}},  {{1, 7, 6, 4}, {3, 1, 1}}, {{1, 9, 8, 2}, {5, 3, 2}},
                           {{1, 16, 17, 4}, {2, 2, 0}}};

/// Calls f(flat output, flat input, position in the window) for every cell of every window, in order.
void for_each_cell(const shape& x, pool2d_geometry g, auto&& f) {
  const shape y = pool2d_output_shape(x, g);
  for (index_t n = 0; n < y[0]; ++n)
    for (index_t i = 0; i < y[1]; ++i)
      for (index_t j = 0; j < y[2]; ++j)
        for (index_t c = 0; c < y[3]; ++c)
          for (index_t r = 0; r < g.window; ++r)
            for (index_t s = 0; s < g.window; ++s) {
              const index_t h = i * g.stride + r - g.padding, w = j * g.stride + s - g.padding;
              if (h >= 0 && h < x[1] && w >= 0 && w < x[2])
                f(((n * y[1] + i) * y[2] + j) * y[3] + c, ((n * x[1] + h) * x[2] + w) * x[3] + c, r * g.window + s);
            }
}

}  // namespace

TEST_CASE("gpu: pooling and its adjoints equal plain loops", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const pool_case& p : poolings) {
      CAPTURE(to_string(p.x), p.g.window, p.g.stride, p.g.padding);
      const shape ys = pool2d_output_shape(p.x, p.g);
      auto x = random_tensor<float>(p.x, 1);
      for (float& v : x) v = std::round(v * 2) / 2;  // equal values: the first wins
      if (x.size() > 20) x[7] = std::nanf("");
      const auto dy = random_tensor<float>(ys, 2);
      tensor<double> best(ys), mean(ys), cells(ys), dmax(p.x), dmean(p.x);
      tensor<std::uint8_t> winner(ys);
      tensor<std::int32_t> won(ys);
      won.fill(-1);
      for_each_cell(p.x, p.g, [&](index_t o, index_t i, index_t position) {
        const auto v = static_cast<double>(x[i]);
        cells[o] += 1;
        mean[o] += v;
        if (won[o] >= 0 && (best[o] != best[o] || v <= best[o])) return;
        best[o] = v;
        won[o] = static_cast<std::int32_t>(i);
        winner[o] = static_cast<std::uint8_t>(position);
      });
      for (index_t o = 0; o < mean.size(); ++o) {
        mean[o] /= cells[o];
        dmax[won[o]] += static_cast<double>(dy[o]);
      }
      for_each_cell(p.x, p.g,
                    [&](index_t o, index_t i, index_t) { dmean[i] += static_cast<double>(dy[o]) / cells[o]; });

      const auto on_x = to_device(ctx, x), on_dy = to_device(ctx, dy);
      device_tensor<float> y(ctx, ys), dx(ctx, p.x);
      device_tensor<std::uint8_t> winners(ctx, ys);
      max_pool2d<float>(ctx, on_x, p.g, y, winners);
      const auto found = to_host(ctx, y);
      bool right = true;
      for (index_t o = 0; o < found.size(); ++o)
        right = right && (static_cast<double>(found[o]) == best[o] || (best[o] != best[o] && std::isnan(found[o])));
      CHECK(right);
      CHECK(same_values(to_host(ctx, winners), winner));
      max_pool2d_backward<float>(ctx, on_dy, winners, p.g, dx);
      CHECK(agrees(to_host(ctx, dx), dmax, 1e-6));
      device_tensor<float> again(ctx, ys);
      max_pool2d<float>(ctx, on_x, p.g, again, {});
      const auto without = to_host(ctx, again);
      for (index_t o = 0; o < found.size(); ++o) right = right && (found[o] == without[o] || std::isnan(found[o]));
      CHECK(right);
      average_pool2d_backward<float>(ctx, on_dy, p.g, dx);
      CHECK(agrees(to_host(ctx, dx), dmean, 1e-6));
      average_pool2d<float>(ctx, on_x, p.g, y);
      const auto means = to_host(ctx, y);
      for (index_t o = 0; o < means.size(); ++o)
        right = right && (std::abs(static_cast<double>(means[o]) - mean[o]) < 1e-6 ||
                          (mean[o] != mean[o] && std::isnan(means[o])));
      CHECK(right);
    }
  });
}

}  // namespace aixcell
