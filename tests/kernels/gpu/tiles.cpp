#include <aixcell/kernels/gpu/tiles.hpp>
#include <aixcell/kernels/cpu/tiles.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: parts of images, mirrored beyond them, are cut pixel by pixel", "[kernels][gpu]") {
  context<cpu> processor(1);
  for (const auto& [s, top, left, part] : {std::tuple{shape{1, 1, 1}, -2, -1, shape{4, 3, 1}},
                                           {shape{5, 7, 3}, 1, 2, shape{0, 4, 3}},
                                           {shape{5, 7, 3}, 4, 6, shape{1, 1, 3}},
                                           {shape{5, 7, 3}, -9, 3, shape{20, 17, 3}},
                                           {shape{40, 33, 2}, 7, 5, shape{16, 19, 2}}}) {
    CAPTURE(to_string(s));
    const auto image = random_tensor<float>(s, 1);
    tensor<float> expected(part);
    // The definition of reflection: walk there, and turn at the first and the last pixel.
    const auto walk = [](int to, index_t extent) {
      int at = 0, step = 1;
      for (int k = 0; k < std::abs(to); ++k) {
        if (extent > 1 && at + step >= extent) step = -1;
        if (at + step < 0) step = 1;
        at += extent > 1 ? step : 0;
      }
      return at;  // reflection about 0 is even
    };
    for (int i = 0; i < part[0]; ++i)
      for (int j = 0; j < part[1]; ++j)
        for (index_t c = 0; c < part[2]; ++c) expected(i, j, c) = image(walk(top + i, s[0]), walk(left + j, s[1]), c);
    tensor<float> here(part);
    cut_reflected(processor, image, top, left, here);
    CHECK(same_values(here, expected));
    on_every_device([&, y = top, x = left, extents = part](auto& ctx) {
      device_tensor<float> found(ctx, extents);
      cut_reflected(ctx, to_device(ctx, image), y, x, found);
      CHECK(same_values(to_host(ctx, found), expected));
    });
  }
}

TEST_CASE("gpu: mirrored images, and maps added back with channels in order", "[kernels][gpu]") {
  context<cpu> processor(1);
  for (const shape& s : {shape{0, 5, 3}, shape{1, 1, 3}, shape{7, 5, 3}, shape{16, 17, 3}}) {
    const auto image = random_tensor<float>(s, 2), before = random_tensor<float>(s, 3);
    tensor<std::int32_t> order({3});
    order[0] = 1, order[1] = -3, order[2] = 2;
    for (const mirrored_axes axes :
         {mirrored_axes{}, mirrored_axes{true, false}, mirrored_axes{false, true}, mirrored_axes{true, true}}) {
      CAPTURE(to_string(s), axes.horizontal, axes.vertical);
      tensor<float> mirrored(s), sum(s);
      for (index_t i = 0; i < s[0]; ++i)
        for (index_t j = 0; j < s[1]; ++j) {
          const index_t y = axes.vertical ? s[0] - 1 - i : i, x = axes.horizontal ? s[1] - 1 - j : j;
          for (index_t c = 0; c < 3; ++c) mirrored(i, j, c) = image(y, x, c);
          sum(i, j, 0) = before(i, j, 0) + image(y, x, 0);
          sum(i, j, 1) = before(i, j, 1) - image(y, x, 2);
          sum(i, j, 2) = before(i, j, 2) + image(y, x, 1);
        }
      tensor<float> here(s), here_sum = before.clone();
      mirror_image(processor, image, axes, here);
      add_mirrored(processor, image, axes, order, here_sum);
      CHECK((same_values(here, mirrored) && same_values(here_sum, sum)));
      on_every_device([&](auto& ctx) {
        const auto on = to_device(ctx, image);
        device_tensor<float> found(ctx, image.shape());
        auto found_sum = to_device(ctx, before);
        mirror_image(ctx, on, axes, found);
        add_mirrored(ctx, on, axes, to_device(ctx, order), found_sum);
        CHECK((same_values(to_host(ctx, found), mirrored) && same_values(to_host(ctx, found_sum), sum)));
      });
    }
  }
}

TEST_CASE("gpu: overlapping tiles are blended by their weights", "[kernels][gpu]") {
  context<cpu> processor(1);
  const auto a = random_tensor<float>({9, 7, 2}, 4), b = random_tensor<float>({9, 7, 2}, 5);
  auto blend = random_tensor<float>({9, 7}, 6);
  for (float& w : blend) w = std::abs(w) + 0.1f;
  tensor<double> sum({11, 12, 2}), weights({11, 12});
  const auto add = [&](const tensor<float>& tile, index_t top, index_t left) {
    for (index_t i = 0; i < 9; ++i)
      for (index_t j = 0; j < 7; ++j) {
        weights(top + i, left + j) += static_cast<double>(blend(i, j));
        for (index_t c = 0; c < 2; ++c)
          sum(top + i, left + j, c) += static_cast<double>(blend(i, j)) * static_cast<double>(tile(i, j, c));
      }
  };
  add(a, 0, 0), add(b, 2, 5);
  tensor<float> start({11, 12}), expected({11, 12, 2});
  start.fill(0.5f);  // no pixel is without weight
  for (index_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<float>(3 * sum[i] / (weights[i / 2] + 0.5));
  const auto blended = [&](auto& ctx) {
    auto found = to_device(ctx, tensor<float>({11, 12, 2}));
    auto found_weights = to_device(ctx, start.clone());
    const auto on_blend = to_device(ctx, blend);
    add_tile(ctx, to_device(ctx, a), on_blend, 0, 0, found, found_weights);
    add_tile(ctx, to_device(ctx, b), on_blend, 2, 5, found, found_weights);
    divide_by_weights(ctx, found_weights, found);
    scale_values(ctx, 3, found);
    return found;
  };
  CHECK(agrees(blended(processor), expected, 1e-6));
  on_every_device([&](auto& ctx) { CHECK(agrees(to_host(ctx, blended(ctx)), expected, 1e-6)); });
  context<device_under_test> ctx;
  device_tensor<float> tile(ctx, {9, 7, 2}), weight(ctx, {9, 7}), into(ctx, {11, 12, 2}), of(ctx, {11, 12});
  CHECK_THROWS_AS(add_tile(ctx, tile, weight, 3, 0, into, of), shape_error);
  CHECK_THROWS_AS(cut_reflected(ctx, tile, 0, 0, device_tensor<float>(ctx, {2, 2, 1})), shape_error);
}

}  // namespace aixcell
