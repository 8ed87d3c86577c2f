#include <aixcell/kernels/gpu/draw_polygons.hpp>
#include <aixcell/kernels/gpu/outlines.hpp>
#include <aixcell/metrics/gpu/overlap.hpp>
#include <aixcell/metrics/region_properties.hpp>
#include <aixcell/postprocess/detail/polygon_canvas.hpp>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {

TEST_CASE("gpu: outlines are the pixels with another neighbour, and as long as the processor says", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 4}, shape{1, 1}, shape{9, 13}, shape{33, 27}}) {
    CAPTURE(to_string(s));
    constexpr int count = 7;
    const auto labels = random_discs(s, count, 6, 3);
    tensor<double> lengths({count});
    for (const region_properties& r : measure_regions(labels)) lengths[r.label - 1] = r.perimeter;
    for (const bool at_border : {false, true}) {
      tensor<std::int32_t> expected(s);
      for (index_t i = 0; i < s[0]; ++i)
        for (index_t j = 0; j < s[1]; ++j) {
          bool on = false;
          for (const auto& [dy, dx] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
            const index_t y = i + dy, x = j + dx;
            on = on || (y >= 0 && y < s[0] && x >= 0 && x < s[1] ? labels(y, x) != labels(i, j) : at_border);
          }
          expected(i, j) = on && labels(i, j) > 0 ? labels(i, j) : 0;
        }
      on_every_device([&](auto& ctx) {
        const auto on = to_device(ctx, labels);
        device_tensor<std::int32_t> outline(ctx, labels.shape());
        outline_pixels(ctx, on, {at_border}, outline);
        CHECK(same_values(to_host(ctx, outline), expected));
        device_tensor<double> found(ctx, {count});
        perimeters(ctx, on, found);
        CHECK(agrees(to_host(ctx, found), lengths, 1e-12));
      });
    }
  }
}

TEST_CASE("gpu: polygons are drawn below those before them", "[kernels][gpu]") {
  for (const auto& [s, count, corners] :
       {std::tuple{shape{0, 4}, 2, 3}, {shape{1, 1}, 1, 4}, {shape{31, 23}, 0, 5}, {shape{31, 23}, 9, 33}}) {
    CAPTURE(to_string(s), count, corners);
    tensor<double> points({count, corners, 2});
    random_stream random(5);
    // Wild polygons, partly beyond the map; some corners on pixels.
    for (double& v : points) v = std::round(4.0 * static_cast<double>(random.uniform(-8, 36))) / 4;
    if (s.count() == 1)
      for (index_t k = 0; k < 4; ++k) points(0, k, 0) = k < 2 ? -1 : 1, points(0, k, 1) = k == 0 || k == 3 ? -1 : 1;
    tensor<std::int32_t> expected(s);
    for (index_t k = count; k-- > 0;) {
      tensor<std::int32_t> alone(s);
      std::vector<detail::canvas_point> polygon;
      for (index_t c = 0; c < corners; ++c) polygon.push_back({points(k, c, 0), points(k, c, 1)});
      if (s.count() > 0) detail::polygon_canvas(alone, {.most_overlap = 1, .least_area = 1}).draw(polygon);
      for (index_t p = 0; p < alone.size(); ++p)
        if (alone[p] > 0) expected[p] = static_cast<std::int32_t>(k + 1);
    }
    on_every_device([&, extents = s](auto& ctx) {
      device_tensor<std::int32_t> found(ctx, extents);
      draw_polygons(ctx, to_device(ctx, points), found);
      CHECK(same_values(to_host(ctx, found), expected));
    });
  }
  context<device_under_test> ctx;
  device_tensor<std::int32_t> labels(ctx, {3, 3});
  CHECK_THROWS_AS(draw_polygons(ctx, device_tensor<double>(ctx, {1, 2, 2}), labels), shape_error);
  CHECK_THROWS_AS(draw_polygons(ctx, device_tensor<double>(ctx, {1, 257, 2}), labels), shape_error);
}

TEST_CASE("gpu: the table of overlapping objects is the processor's", "[kernels][gpu]") {
  for (const shape& s : {shape{0, 4}, shape{1, 1}, shape{9, 14}, shape{37, 33}})
    for (const bool noise : {false, true}) {
      CAPTURE(to_string(s), noise);
      auto truth = random_discs(s, 9, 6, 3), predicted = random_discs(s, 8, 5, 4);
      random_stream random(6);
      if (noise)
        for (auto* labels : {&truth, &predicted})
          for (std::int32_t& l : *labels)
            l = static_cast<std::int32_t>(random.below(1 << 20)) - 1;  // hardly a pair twice
      const overlap_table expected = overlaps(truth.as_view(), predicted.as_view());
      on_every_device([&](auto& ctx) {
        const overlap_table found = overlaps(ctx, to_device(ctx, truth), to_device(ctx, predicted));
        CHECK(found.truth_labels == expected.truth_labels);
        CHECK(found.predicted_labels == expected.predicted_labels);
        CHECK(found.truth_areas == expected.truth_areas);
        CHECK(found.predicted_areas == expected.predicted_areas);
        REQUIRE(found.pairs.size() == expected.pairs.size());
        for (std::size_t i = 0; i < found.pairs.size(); ++i) {
          const overlap &a = found.pairs[i], &b = expected.pairs[i];
          CHECK((a.truth == b.truth && a.predicted == b.predicted && a.pixels == b.pixels));
        }
      });
    }
  context<device_under_test> ctx;
  tensor<std::int32_t> wrong({2, 3});
  wrong[4] = -2;
  CHECK_THROWS_AS(overlaps(ctx, to_device(ctx, tensor<std::int32_t>({2, 3})), to_device(ctx, wrong)), data_error);
  CHECK_THROWS_AS(overlaps(ctx, to_device(ctx, wrong), to_device(ctx, tensor<std::int32_t>({3, 2}))), shape_error);
}

}  // namespace aixcell
