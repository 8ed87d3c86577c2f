#include <aixcell/kernels/gpu/object_sums.hpp>
#include <aixcell/kernels/gpu/unseeded_parts.hpp>
#include <aixcell/postprocess/detail/seeded_objects.hpp>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: means, intensities and votes of objects equal a walk over the pixels", "[kernels][gpu]") {
  struct scene {
    shape s;
    int objects;
  };
  std::vector<scene> scenes{{{0, 4}, 2}, {{1, 1}, 1}, {{9, 13}, 3}};
  if (unhurried()) scenes.push_back({{1, 300}, 2});
  if (thorough()) scenes.push_back({{40, 37}, 9});
  for (const scene& of : scenes) {
    CAPTURE(to_string(of.s));
    auto labels = random_discs(of.s, of.objects, 6, 3);
    if (!labels.empty()) labels[0] = of.objects;
    const index_t count = of.objects + 1, channels = 3, pixels = labels.size();  // the last object has no pixel
    const auto image = random_tensor<float>({of.s[0], of.s[1], channels}, 4);
    const auto map = random_tensor<float>(of.s, 5);
    tensor<double> sum({count, channels}), squares({count, channels}), votes({count, 2}), total({count}), area({count});
    tensor<float> least({count, channels}), greatest({count, channels});
    least.fill(std::numeric_limits<float>::infinity()), greatest.fill(-std::numeric_limits<float>::infinity());
    for (index_t p = 0; p < pixels; ++p) {
      const index_t o = labels[p] - 1;
      if (o < 0) continue;
      total[o] += static_cast<double>(map[p]), area[o] += 1;
      for (index_t c = 0; c < channels; ++c) {
        const float v = image[p * channels + c];
        sum(o, c) += static_cast<double>(v), squares(o, c) += static_cast<double>(v) * static_cast<double>(v);
        least(o, c) = std::min(least(o, c), v), greatest(o, c) = std::max(greatest(o, c), v);
      }
      const double a = std::exp(static_cast<double>(image[p * channels + 1])),
                   b = std::exp(static_cast<double>(image[p * channels + 2]));
      votes(o, 0) += a / (a + b), votes(o, 1) += b / (a + b);
    }
    on_every_device([&](auto& ctx) {
      const auto on = to_device(ctx, labels);
      const auto picture = to_device(ctx, image);
      device_tensor<std::uint64_t> sums(ctx, {count, region_sum_count});
      device_tensor<std::int32_t> boxes(ctx, {count, region_edge_count});
      region_sums(ctx, on, sums, boxes);
      device_tensor<float> means(ctx, {count});
      device_tensor<intensity_sums> found(ctx, {count, channels});
      device_tensor<double> found_votes(ctx, {count, 2});
      object_means(ctx, on, sums, boxes, to_device(ctx, map), means);
      object_intensities(ctx, on, boxes, picture, found);
      object_votes(ctx, on, boxes, picture, 1, found_votes);
      const auto here = to_host(ctx, found);
      const auto here_means = to_host(ctx, means);
      CHECK(agrees(to_host(ctx, found_votes), votes, 1e-11));
      for (index_t o = 0; o < count; ++o) {
        if (area[o] > 0) CHECK(here_means[o] == Approx(total[o] / area[o]).margin(1e-6));
        for (index_t c = 0; c < channels; ++c) {
          CHECK(here(o, c).sum == Approx(sum(o, c)).margin(1e-11));
          CHECK(here(o, c).squares == Approx(squares(o, c)).margin(1e-11));
          CHECK((here(o, c).least == least(o, c) && here(o, c).greatest == greatest(o, c)));
        }
      }
    });
  }
  context<device_under_test> ctx;
  device_tensor<std::int32_t> labels(ctx, {3, 3}), boxes(ctx, {2, 4});
  device_tensor<float> image(ctx, {3, 3, 2});
  CHECK_THROWS_AS(object_intensities(ctx, labels, boxes, image, device_tensor<intensity_sums>(ctx, {2, 3})),
                  shape_error);
  CHECK_THROWS_AS(object_votes(ctx, labels, boxes, image, 1, device_tensor<double>(ctx, {2, 2})), shape_error);
}

TEST_CASE("gpu: parts of a mask without a label get one of their own", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 4}, shape{1, 1}, shape{9, 14}, shape{17, 33}}) {
    CAPTURE(to_string(s));
    const auto mask = random_mask(s, 0.5, 7);
    tensor<std::int32_t> seeds(s);
    random_stream random(8);
    for (index_t p = 0; p < seeds.size(); ++p)
      seeds[p] = random.chance(0.05f) ? static_cast<std::int32_t>(1 + random.below(4)) : 0;
    if (!seeds.empty()) seeds[0] = 4;  // the greatest is there
    auto expected = seeds.clone();
    context<cpu> host(2);
    detail::add_unseeded(host, mask, 3, expected);
    on_every_device([&](auto& ctx) {
      auto found = to_device(ctx, seeds);
      const int last = add_unseeded(ctx, to_device(ctx, mask), 3, 4, found);
      const auto here = to_host(ctx, found);
      CHECK(same_values(here, expected));
      CHECK(std::all_of(here.begin(), here.end(), [last](std::int32_t l) { return l <= last; }));
    });
  }
}

}  // namespace aixcell
