#include <aixcell/kernels/gpu/distance_transform.hpp>
#include <limits>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: distances to the outside equal those of every pair of pixels", "[kernels][gpu]") {
  struct image_case {
    shape s;
    int discs;
    double radius;
  };
  for (const image_case& c : {image_case{{0, 4}, 0, 1},
                              {{1, 1}, 1, 9},
                              {{1, 1}, 2, 9},
                              {{5, 7}, 2, 99},
                              {{7, 65}, 9, 4},
                              {{65, 7}, 9, 4},
                              {{33, 39}, 12, 7},
                              {{20, 31}, 2, 14}}) {
    CAPTURE(to_string(c.s), c.discs);
    const auto labels = random_discs(c.s, c.discs, c.radius, 5);
    tensor<float> expected(c.s);
    for (index_t i = 0; i < labels.size(); ++i) {
      if (labels[i] <= 0) continue;
      index_t best = std::numeric_limits<index_t>::max();
      const index_t y = i / c.s[1], x = i % c.s[1];
      for (index_t j = 0; j < labels.size(); ++j)
        if (labels[j] != labels[i])
          best = std::min(best, (j / c.s[1] - y) * (j / c.s[1] - y) + (j % c.s[1] - x) * (j % c.s[1] - x));
      const index_t edge = std::min({y + 1, c.s[0] - y, x + 1, c.s[1] - x});
      expected[i] = best == std::numeric_limits<index_t>::max()
                        ? static_cast<float>(edge)
                        : static_cast<float>(std::sqrt(static_cast<double>(best)));
    }
    on_every_device([&](auto& ctx) {
      const auto on = to_device(ctx, labels);
      device_tensor<float> distance(ctx, c.s);
      distance_to_outside(ctx, on, distance);
      CHECK(same_values(to_host(ctx, distance), expected));
    });
  }
}

}  // namespace aixcell
