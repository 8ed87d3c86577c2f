#include <aixcell/kernels/gpu/centre_flow.hpp>
#include <aixcell/kernels/gpu/fill_holes.hpp>
#include <aixcell/kernels/gpu/flow_sinks.hpp>
#include <aixcell/kernels/gpu/object_sums.hpp>
#include <aixcell/kernels/cpu/fill_holes.hpp>
#include <aixcell/postprocess/detail/centre_flow.hpp>
#include <aixcell/postprocess/detail/flow_sinks.hpp>
#include <map>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: the flow to the middles of objects is the processor's", "[kernels][gpu]") {
  std::vector<shape> shapes{{0, 3}, {1, 1}, {17, 13}};
  if (thorough()) shapes.push_back({70, 9});  // a part that is wider than the exact grid
  for (const shape& s : shapes) {
    CAPTURE(to_string(s));
    auto labels = random_discs(s, 5, 4, 3);
    if (s[0] == 70)
      for (index_t p = 0; p < labels.size(); ++p) labels[p] = p % 9 < 4 || p / 9 % 11 == 0 ? 1 : p % 9 > 6 ? 2 : 0;
    context<cpu> processor(1);
    tensor<float> expected({s[0], s[1], 2});
    detail::centre_flow(processor, labels, expected);
    on_every_device([&](auto& ctx) {
      device_tensor<float> found(ctx, expected.shape());
      centre_flow(ctx, to_device(ctx, labels), found);
      CHECK(agrees(to_host(ctx, found), expected, 1e-5));
    });
  }
}

TEST_CASE("gpu: pixels that end at one place are one object, the highest peaks first", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 3}, shape{1, 1}, shape{13, 17}, shape{31, 24}}) {
    if (s[0] == 31 && !unhurried()) continue;
    for (const int cell : {3, 5, 12}) {
      CAPTURE(to_string(s), cell);
      const auto mask = random_mask(s, 0.8, 4);
      tensor<float> ends({s[0], s[1], 2});
      random_stream random(5);
      // Near the middle of the own cell, so that peaks are plateaus, touch, and grow into each other.
      for (index_t p = 0; p < s[0] * s[1]; ++p)
        for (const int axis : {0, 1}) {
          const index_t at = axis == 0 ? p / s[1] : p % s[1], extent = s[axis];
          const float wanted = static_cast<float>(at / cell * cell + cell / 2) + random.uniform(-1.4f, 1.4f);
          ends[2 * p + axis] = std::clamp(wanted, 0.0f, static_cast<float>(extent - 1));
        }
      tensor<std::int32_t> expected(s);
      detail::flow_sinks(ends, mask, 2, expected);
      on_every_device([&](auto& ctx) {
        device_tensor<std::int32_t> labels(ctx, expected.shape());
        const int last = flow_sinks(ctx, to_device(ctx, ends), to_device(ctx, mask), 2, labels);
        const auto found = to_host(ctx, labels);
        // The same objects in the same order; numbers may have gaps.
        std::map<std::int32_t, std::int32_t> number;
        bool same = true;
        for (index_t p = 0; p < found.size(); ++p)
          same = same && found[p] <= last && number.emplace(found[p], expected[p]).first->second == expected[p];
        for (auto one = number.begin(), next = one; one != number.end() && ++next != number.end(); one = next)
          same = same && one->second < next->second;
        CHECK(same);
      });
    }
  }
}

TEST_CASE("gpu: holes are filled as on the processor", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 3}, shape{1, 1}, shape{9, 14}, shape{33, 21}}) {
    CAPTURE(to_string(s));
    tensor<std::int32_t> labels(s);
    random_stream random(6);
    for (index_t p = 0; p < labels.size(); ++p)
      labels[p] = random.chance(0.65f) ? static_cast<std::int32_t>(1 + p / 40 % 3) : 0;
    auto expected = labels.clone();
    fill_holes(expected);
    on_every_device([&](auto& ctx) {
      auto found = to_device(ctx, labels);
      fill_holes(ctx, found);
      CHECK(same_values(to_host(ctx, found), expected));
    });
  }
}

TEST_CASE("gpu: objects on which two maps differ too much go", "[kernels][gpu]") {
  const shape s{11, 13};
  auto labels = random_discs(s, 4, 3, 7);
  const auto a = random_tensor<float>({11, 13, 2}, 8);
  auto b = a.clone();
  std::array<double, 5> difference{}, area{};
  for (index_t p = 0; p < labels.size(); ++p) {
    if (labels[p] <= 0) continue;
    for (index_t c = 0; c < 2; ++c) b[2 * p + c] += 0.3f * static_cast<float>(labels[p]);
    if (labels[p] == 3 && area[3] == 0) b[2 * p] = std::numeric_limits<float>::quiet_NaN();
    const auto of = static_cast<std::size_t>(labels[p]);
    area[of] += 1;
    for (index_t c = 0; c < 2; ++c)
      difference[of] += std::pow(static_cast<double>(a[2 * p + c]) - static_cast<double>(b[2 * p + c]), 2);
  }
  auto expected = labels.clone();
  for (std::int32_t& l : expected)
    if (l > 0 && !(difference[static_cast<std::size_t>(l)] <= 0.5 * area[static_cast<std::size_t>(l)])) l = 0;
  on_every_device([&](auto& ctx) {
    auto found = to_device(ctx, labels);
    device_tensor<std::uint64_t> sums(ctx, {4, region_sum_count});
    device_tensor<std::int32_t> boxes(ctx, {4, region_edge_count});
    region_sums(ctx, found, sums, boxes);
    remove_unlike_regions(ctx, to_device(ctx, a), to_device(ctx, b), sums, boxes, 0.5f, found);
    CHECK(same_values(to_host(ctx, found), expected));
  });
}

}  // namespace aixcell
