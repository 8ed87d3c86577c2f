#include <aixcell/kernels/gpu/star_convex_nms.hpp>
#include <aixcell/postprocess/star_convex.hpp>
#include <numbers>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

constexpr int rays = 8;

/// Every pixel may be a candidate; polygons are small or reach beyond the image; one distance is NaN.
tensor<float> output_of(const shape& s, double bias, std::uint64_t seed) {
  auto output = random_tensor<float>({s[0], s[1], rays + 2}, seed);
  for (index_t p = 0; p < s.count(); ++p) {
    float* const at = output.data() + p * (rays + 2);
    at[0] = static_cast<float>(bias) + std::round(at[0] * 4) / 4;  // equal logits: the first pixel wins
    for (int k = 1; k <= rays; ++k) at[k] = -1.0f + 0.4f * at[k] + (p % 5 == 0 ? 1.0f : 0.0f);
  }
  if (output.size() > 3) output[3] = std::nanf("");
  return output;
}

}  // namespace

TEST_CASE("gpu: bitonic sort sorts", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    for (const index_t count : {1, 2, 64, 1024}) {
      random_stream random(5);
      tensor<std::uint64_t> keys({detail::bitonic_slots(count)});
      for (std::uint64_t& k : keys) k = static_cast<std::uint64_t>(random.uniform() * 1e9f);
      auto on = to_device(ctx, keys);
      detail::bitonic_sort(ctx, on);
      std::sort(keys.begin(), keys.end());
      CHECK(same_values(to_host(ctx, on), keys));
    }
  });
}

TEST_CASE("gpu: star-convex polygons that are kept are the processor's", "[kernels][gpu]") {
  star_convex<rays> processor;
  processor.probability_threshold = 0.5f;
  tensor<double> directions({rays, 2});
  for (int k = 0; k < rays; ++k) {
    directions(k, 0) = std::sin(2 * std::numbers::pi * k / rays);
    directions(k, 1) = std::cos(2 * std::numbers::pi * k / rays);
  }
  struct image_case {
    shape s;
    double bias;
    float overlap;
    int area;
  };
  std::vector<image_case> images{{{0, 3}, 0, 0.4f, 4},
                                 {{1, 1}, 5, 0.4f, 1},
                                 {{4, 5}, -99, 0.4f, 4},
                                 {{15, 21}, -0.5, 0.4f, 4},
                                 {{18, 17}, 0.5, 0.9f, 2}};
  if (unhurried()) images.push_back({{33, 40}, -0.5, 0.2f, 9});
  for (const image_case& i : images) {
    CAPTURE(to_string(i.s), i.bias, i.overlap);
    processor.overlap_threshold = i.overlap;
    processor.min_area = i.area;
    const auto output = output_of(i.s, i.bias, 3);
    tensor<std::int32_t> expected(i.s);
    const auto stars = processor.draw_stars(output, 0, expected);
    on_every_device([&](auto& ctx) {
      const auto on = to_device(ctx, output);
      const auto on_directions = to_device(ctx, directions);
      device_tensor<std::int32_t> labels(ctx, i.s);
      const auto kept =
          star_convex_nms(ctx, on, on_directions,
                          {.rays = rays, .least_logit = 0, .most_overlap = i.overlap, .least_area = i.area}, labels);
      CHECK(kept.count == static_cast<index_t>(stars.size()));
      CHECK(same_values(to_host(ctx, labels), expected));
      if (kept.count != static_cast<index_t>(stars.size()) || kept.count == 0) return;
      const auto centres = to_host(ctx, kept.centres);
      for (std::size_t k = 0; k < stars.size(); ++k) CHECK(centres[static_cast<index_t>(k)] == stars[k].centre);
    });
  }
}

}  // namespace aixcell
