#include <aixcell/kernels/gpu/percentile.hpp>
#include <algorithm>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: percentiles are those of sorted values, exactly", "[kernels][gpu]") {
  struct image_case {
    shape s;
    int kind;
  };
  std::vector<image_case> images{{{1, 1, 1}, 0}, {{7, 9, 2}, 1}};  // histograms of 40 KiB a block take their time
  if (unhurried()) images.insert(images.end(), {{{1, 2, 2}, 0}, {{9, 31, 3}, 0}, {{8, 8, 1}, 2}, {{9, 9, 1}, 3}});
  if (thorough()) images.push_back({{65, 64, 1}, 0});
  for (const image_case& c : images) {
    auto image = random_tensor<float>(c.s, 4);
    for (index_t i = 0; i < image.size(); ++i) {
      if (c.kind == 1) image[i] = std::round(image[i]);   // many equal values, -0 among them
      if (c.kind == 2) image[i] = i == 17 ? 5.0f : 2.0f;  // percentiles equal, one value greater
      if (c.kind == 3) image[i] = -3.0f;                  // constant
    }
    const index_t channels = c.s[2], pixels = c.s[0] * c.s[1];
    for (const auto& [low, high] : {std::pair{1.0f, 99.8f}, std::pair{0.0f, 100.0f}, std::pair{50.0f, 50.5f}}) {
      if (!unhurried() && low < 50) continue;
      CAPTURE(to_string(c.s), c.kind, low, high);
      tensor<double> ranges({channels, 2});
      tensor<float> expected(c.s);
      for (index_t k = 0; k < channels; ++k) {
        std::vector<float> values;
        for (index_t p = 0; p < pixels; ++p) values.push_back(image[p * channels + k]);
        std::sort(values.begin(), values.end());
        const auto at = [&](float percent) {
          const double position = static_cast<double>(percent) / 100 * static_cast<double>(pixels - 1);
          const auto below = static_cast<std::size_t>(position), above = std::min(below + 1, values.size() - 1);
          const double a = static_cast<double>(values[below]), b = static_cast<double>(values[above]);
          return static_cast<double>(static_cast<float>(a + (position - static_cast<double>(below)) * (b - a)));
        };
        ranges(k, 0) = at(low);
        ranges(k, 1) = at(high) > at(low) ? at(high) : static_cast<double>(values.back());
        const double extent = ranges(k, 1) - ranges(k, 0);
        for (index_t p = 0; p < pixels; ++p)
          expected[p * channels + k] =
              extent > 0
                  ? static_cast<float>((static_cast<double>(image[p * channels + k]) - ranges(k, 0)) * (1 / extent))
                  : 0.0f;
      }
      on_every_device([&](auto& ctx) {
        const auto on = to_device(ctx, image);
        device_tensor<double> found(ctx, {channels, 2});
        device_tensor<float> out(ctx, c.s);
        percentile_ranges(ctx, on, low, high, found);
        CHECK(same_values(to_host(ctx, found), ranges));
        scale_to_ranges(ctx, on, found, out);
        CHECK(same_values(to_host(ctx, out), expected));
      });
    }
  }
  context<device_under_test> ctx;
  device_tensor<double> ranges(ctx, {1, 2});
  CHECK_THROWS_AS(percentile_ranges(ctx, device_tensor<float>(ctx, {0, 3, 1}), 1, 99, ranges), shape_error);
}

}  // namespace aixcell
