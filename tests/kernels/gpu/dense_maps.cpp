#include <aixcell/kernels/gpu/dense_maps.hpp>
#include <aixcell/kernels/gpu/radial_owner.hpp>
#include <aixcell/postprocess/detail/radial_owner.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: probabilities, masks, depths, flows and greatest channels are read out of a dense map",
          "[kernels][gpu]") {
  const auto probability = [](float logit) { return 1 / (1 + std::exp(-static_cast<double>(logit))); };
  for (const shape& s : {shape{0, 3, 5}, shape{1, 1, 5}, shape{9, 31, 5}}) {
    CAPTURE(to_string(s));
    const auto output = random_tensor<float>(s, 1);
    const shape map{s[0], s[1]};
    tensor<double> object(map), landscape(map), either(map), depth(map), flow({s[0], s[1], 2});
    tensor<std::int32_t> greatest(map);
    for (index_t p = 0; p < map.count(); ++p) {
      const float* const at = output.data() + 5 * p;
      object[p] = probability(at[1]);
      double all = 0;
      for (int c = 2; c < 5; ++c) all += std::exp(static_cast<double>(at[c]));
      landscape[p] = 1 - std::exp(static_cast<double>(at[3])) / all;
      either[p] = 1 - std::exp(static_cast<double>(at[2])) / all;
      depth[p] = object[p] > 0.4 ? probability(at[2]) : 0;
      for (int c = 0; c < 2; ++c) flow[2 * p + c] = object[p] > 0.4 ? static_cast<double>(at[3 + c]) / 5 : 0;
      for (std::int32_t c = 1; c < 4; ++c) greatest[p] = at[1 + c] > at[1 + greatest[p]] ? c : greatest[p];
    }
    on_every_device([&](auto& ctx) {
      const auto on = to_device(ctx, output);
      device_tensor<float> a(ctx, map), b(ctx, map), c(ctx, flow.shape());
      device_tensor<std::uint8_t> mask(ctx, map), seeds(ctx, map);
      device_tensor<std::int32_t> labels(ctx, map);
      const auto marks = [&](const auto& on_mask, auto&& expected) {
        const auto here = to_host(ctx, on_mask);
        bool same = true;
        for (index_t p = 0; p < here.size(); ++p) same = same && (here[p] != 0) == expected(p);
        return same;
      };
      foreground_map(ctx, on, 1, 0.4f, a, mask);
      CHECK(agrees(to_host(ctx, a), object, 1e-6));
      CHECK(marks(mask, [&](index_t p) { return object[p] > static_cast<double>(0.4f); }));
      depth_map(ctx, on, 2, mask, b);
      CHECK(agrees(to_host(ctx, b), depth, 1e-6));
      flow_map(ctx, on, 3, 5, mask, c);
      CHECK(agrees(to_host(ctx, c), flow, 1e-6));
      interior_border_maps(ctx, on, 2, 0.3f, 0.6f, a, b, seeds, mask);
      CHECK((agrees(to_host(ctx, a), landscape, 1e-6) && agrees(to_host(ctx, b), either, 1e-6)));
      CHECK(marks(mask, [&](index_t p) { return either[p] > static_cast<double>(0.6f); }));
      CHECK(marks(seeds, [&](index_t p) {
        return 1 - landscape[p] > static_cast<double>(0.3f) && either[p] > static_cast<double>(0.6f);
      }));
      one_minus(ctx, a, a);
      for (double& v : landscape) v = 1 - v;
      CHECK(agrees(to_host(ctx, a), landscape, 1e-6));
      for (double& v : landscape) v = 1 - v;
      greatest_channels(ctx, on, 1, 4, labels);
      CHECK(same_values(to_host(ctx, labels), greatest));
      CHECK_THROWS_AS(greatest_channels(ctx, on, 1, 5, labels), shape_error);
    });
  }
}

TEST_CASE("gpu: pixels go to the polygon that they lie deepest in, as one polygon after another", "[kernels][gpu]") {
  constexpr int rays = 4;
  for (const auto& [s, stars] :
       {std::pair{shape{1, 1}, 1}, {shape{33, 18}, 0}, {shape{33, 18}, 9}, {shape{21, 23}, 300}}) {
    if (stars == 300 && !unhurried()) continue;
    CAPTURE(to_string(s), stars);
    const float reach = 1.5f;
    auto output = random_tensor<float>({s[0], s[1], 1 + rays}, 2);
    for (float& v : output) v = 0.3f * v - (stars > 100 ? 2.0f : 0.5f);
    random_stream random(3);
    tensor<std::int32_t> centres({stars}), expected(s);
    tensor<float> share(s);
    share.fill(reach);
    detail::radial_owner owner(share, expected);
    for (int k = 0; k < stars; ++k) {
      centres[k] = static_cast<std::int32_t>(random.below(s.count()));
      std::array<float, rays> lengths{};
      for (int r = 0; r < rays; ++r)
        lengths[static_cast<std::size_t>(r)] = std::exp(output[centres[k] * (1 + rays) + 1 + r]) * 8;
      owner.claim(k + 1, centres[k], lengths);
    }
    on_every_device([&, extents = s](auto& ctx) {
      device_tensor<float> found_share(ctx, extents);
      device_tensor<std::int32_t> found(ctx, extents);
      radial_owner(ctx, to_device(ctx, output), to_device(ctx, centres), {.rays = rays, .reach = reach}, found_share,
                   found);
      CHECK(same_values(to_host(ctx, found), expected));
      CHECK(agrees(to_host(ctx, found_share), share, 1e-6));
    });
  }
}

}  // namespace aixcell
