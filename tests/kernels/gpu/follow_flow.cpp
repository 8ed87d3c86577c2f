#include <aixcell/kernels/gpu/follow_flow.hpp>
#include <limits>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: points follow a flow as plain loops in float64 have it", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 3}, shape{1, 1}, shape{1, 9}, shape{9, 15}, shape{23, 17}})
    for (const int steps : {0, 1, 30}) {
      CAPTURE(to_string(s), steps);
      const shape points{s[0], s[1], 2};
      const auto mask = random_mask(s, 0.8, 2);
      auto flow = random_tensor<float>(points, 1);
      // Towards the middle and smooth, so that a rounding error stays one; and one value that is none.
      for (index_t i = 0; i < s.count(); ++i)
        for (int c = 0; c < 2; ++c) {
          const double here = static_cast<double>(c == 0 ? i / s[1] : i % s[1]), middle = static_cast<double>(s[c]) / 2;
          flow[2 * i + c] = static_cast<float>(0.1 * (middle - here)) + 0.01f * flow[2 * i + c];
        }
      if (flow.size() > 4) flow[4] = std::numeric_limits<float>::infinity();
      tensor<double> expected(points);
      for (index_t i = 0; i < s.count(); ++i) {
        double p[2] = {static_cast<double>(i / s[1]), static_cast<double>(i % s[1])};
        double one[2] = {p[0], p[1]}, two[2] = {-2, -2};
        for (int step = 0; mask[i] && step < steps; ++step) {
          const auto top = static_cast<index_t>(p[0]), left = static_cast<index_t>(p[1]);
          const index_t bottom = std::min(top + 1, s[0] - 1), right = std::min(left + 1, s[1] - 1);
          const double v = p[0] - static_cast<double>(top), u = p[1] - static_cast<double>(left);
          for (int c = 0; c < 2; ++c) {
            const auto at = [&](index_t y, index_t x) { return static_cast<double>(flow(y, x, c)); };
            const double above = at(top, left) + u * (at(top, right) - at(top, left));
            const double below = at(bottom, left) + u * (at(bottom, right) - at(bottom, left));
            const double m = above + v * (below - above);
            two[c] = one[c];
            one[c] = p[c];
            p[c] = std::clamp(p[c] + (std::isfinite(m) ? m : 0), 0.0, static_cast<double>(s[c] - 1));
          }
          if (step > 0 && std::abs(p[0] - two[0]) + std::abs(p[1] - two[1]) < 1e-4) break;
        }
        expected[2 * i] = p[0];
        expected[2 * i + 1] = p[1];
      }
      on_every_device([&](auto& ctx) {
        const auto on_flow = to_device(ctx, flow);
        const auto on_mask = to_device(ctx, mask);
        device_tensor<float> ends(ctx, points);
        follow_flow(ctx, on_flow, on_mask, {.steps = steps, .rest = 1e-4f}, ends);
        CHECK(agrees(to_host(ctx, ends), expected, 1e-4));
      });
    }
}

}  // namespace aixcell
