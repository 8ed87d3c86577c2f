#include <aixcell/kernels/gpu/region_sums.hpp>
#include <aixcell/core/image.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: sums and boxes of objects equal a count pixel by pixel, and small ones go", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 4}, shape{1, 1}, shape{7, 5}, shape{13, 37}}) {
    CAPTURE(to_string(s));
    constexpr index_t count = 6;
    label_map labels(s);
    random_stream random(4);
    // Stripes and speckles; 5 has no pixel, 9 is beyond the last, below 0 nobody knows.
    for (index_t p = 0; p < labels.size(); ++p)
      labels[p] = random.chance(0.2f) ? static_cast<std::int32_t>(random.below(11)) - 1 : static_cast<std::int32_t>(p / 20 % 3);
    for (std::int32_t& l : labels) l = l == 5 ? 0 : l;
    tensor<std::uint64_t> sums({count, region_sum_count});
    tensor<std::int32_t> boxes({count, region_edge_count});
    for (index_t k = 0; k < count; ++k) {
      boxes(k, top_edge) = boxes(k, left_edge) = std::numeric_limits<std::int32_t>::max();
      for (index_t y = 0; y < s[0]; ++y)
        for (index_t x = 0; x < s[1]; ++x) {
          if (labels(y, x) != k + 1) continue;
          const auto uy = static_cast<std::uint64_t>(y), ux = static_cast<std::uint64_t>(x);
          sums(k, area_sum) += 1;
          sums(k, y_sum) += uy, sums(k, x_sum) += ux;
          sums(k, yy_sum) += uy * uy, sums(k, yx_sum) += uy * ux, sums(k, xx_sum) += ux * ux;
          boxes(k, top_edge) = std::min(boxes(k, top_edge), static_cast<std::int32_t>(y));
          boxes(k, left_edge) = std::min(boxes(k, left_edge), static_cast<std::int32_t>(x));
          boxes(k, bottom_edge) = std::max(boxes(k, bottom_edge), static_cast<std::int32_t>(y) + 1);
          boxes(k, right_edge) = std::max(boxes(k, right_edge), static_cast<std::int32_t>(x) + 1);
        }
    }
    const std::uint64_t least = 9;
    std::int32_t left = 0;
    std::array<std::int32_t, count> now{};
    for (index_t k = 0; k < count; ++k) now[static_cast<std::size_t>(k)] = sums(k, area_sum) >= least ? ++left : 0;
    label_map large(s);
    for (index_t p = 0; p < large.size(); ++p)
      large[p] = labels[p] < 1 ? labels[p] : labels[p] > count ? 0 : now[static_cast<std::size_t>(labels[p] - 1)];
    on_every_device([&](auto& ctx) {
      auto on = to_device(ctx, labels);
      device_tensor<std::uint64_t> found(ctx, sums.shape());
      device_tensor<std::int32_t> found_boxes(ctx, boxes.shape()), found_left(ctx, {1});
      region_sums(ctx, on, found, found_boxes);
      CHECK(same_values(to_host(ctx, found), sums));
      CHECK(same_values(to_host(ctx, found_boxes), boxes));
      remove_small_regions(ctx, on, found, static_cast<int>(least), found_left);
      CHECK(same_values(to_host(ctx, on), large));
      CHECK(to_host(ctx, found_left)[0] == left);
    });
  }
}

}  // namespace aixcell
