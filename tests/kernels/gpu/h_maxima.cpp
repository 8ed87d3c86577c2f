#include <aixcell/kernels/gpu/h_maxima.hpp>
#include <aixcell/kernels/gpu/smooth_inside.hpp>
#include <aixcell/kernels/cpu/h_maxima.hpp>
#include <aixcell/kernels/cpu/smooth_inside.hpp>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: summits that stand out are the processor's, with their numbers", "[kernels][gpu]") {
  std::vector<shape> shapes{{0, 3}, {1, 1}, {1, 9}, {13, 11}};
  if (unhurried()) shapes.insert(shapes.end(), {{17, 18}, {40, 35}});
  for (const shape& s : shapes)
    for (const int kind : {0, 1, 2, 3}) {
      CAPTURE(to_string(s), kind);
      auto landscape = random_tensor<float>(s, static_cast<std::uint64_t>(kind) + 1);
      for (index_t p = 0; p < landscape.size(); ++p) {
        float& v = landscape[p];
        if (kind == 0) v = std::round(4 * v) / 4;  // plateaus and equal summits
        if (kind == 2)
          v = std::sin(static_cast<float>(p % 35) / 3) * std::cos(static_cast<float>(p / 35) / 4) + 0.02f * v;
        if (kind == 3) v = p % 7 == 0 ? std::numeric_limits<float>::quiet_NaN() : -1.0f;  // nothing is above `least`
      }
      for (const h_maxima_options o :
           {h_maxima_options{.depth = 0.25f, .least = 0}, h_maxima_options{.depth = 0, .least = -0.5f}}) {
        tensor<std::int32_t> expected(s);
        const index_t count = h_maxima(landscape, o, expected);
        on_every_device([&](auto& ctx) {
          device_tensor<std::int32_t> found(ctx, landscape.shape());
          CHECK(h_maxima(ctx, to_device(ctx, landscape), o, found) == count);
          CHECK(same_values(to_host(ctx, found), expected));
        });
      }
    }
}

TEST_CASE("gpu: smoothing inside a mask is the processor's", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 4}, shape{1, 1}, shape{9, 14}, shape{17, 19}}) {
    const auto mask = random_mask(s, 0.7, 5);
    const auto map = random_tensor<float>(s, 6);
    auto expected = map.clone();
    smooth_inside(mask, 2, expected);
    on_every_device([&](auto& ctx) {
      auto found = to_device(ctx, map);
      smooth_inside(ctx, to_device(ctx, mask), 2, found);
      CHECK(agrees(to_host(ctx, found), expected, 1e-6));
    });
  }
}

}  // namespace aixcell
