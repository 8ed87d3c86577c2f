#include <aixcell/postprocess/flow_field.hpp>

#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("flow_field: the flow of a disc points to its middle, at every size", "[postprocess]") {
  context<cpu> ctx;
  // 64 is the edge beyond which heat spreads on a coarser grid first.
  for (const index_t radius : {2, 9, 30, 45, 120}) {
    const index_t edge = 2 * radius + 5, middle = radius + 2;
    label_map labels({edge, edge});
    for (index_t i = 0; i < edge; ++i)
      for (index_t j = 0; j < edge; ++j)
        labels(i, j) = (i - middle) * (i - middle) + (j - middle) * (j - middle) <= radius * radius ? 4 : 0;
    const tensor<float> t = flow_field{}.target(ctx, annotated(labels));
    double worst = 1;
    for (index_t i = 0; i < edge; ++i)
      for (index_t j = 0; j < edge; ++j) {
        const double dy = static_cast<double>(middle - i), dx = static_cast<double>(middle - j), r = std::hypot(dy, dx);
        const double fy = static_cast<double>(t(i, j, 2)) / 5, fx = static_cast<double>(t(i, j, 3)) / 5;
        CHECK(t(i, j, 0) == (labels(i, j) > 0 ? 1 : 0));
        if (labels(i, j) == 0) CHECK(std::hypot(fy, fx) == 0);
        if (labels(i, j) == 0 || r == 0) continue;
        CHECK(std::hypot(fy, fx) == Approx(1));
        worst = std::min(worst, (fy * dy + fx * dx) / r);
      }
    CAPTURE(radius);
    CHECK(worst > (radius < 5 ? 0.85 : 0.9));  // cosine; steps of the outline turn it at the rim
  }
}

TEST_CASE("flow_field: the coarser grid changes the flow little", "[postprocess]") {
  context<cpu> ctx;
  const label_map labels = ellipses(
      {.height = 220, .width = 240, .objects = 14, .least_radius = 30, .greatest_radius = 60}, random_stream(5));
  tensor<float> exact({220, 240, 2}), coarse(exact.shape());
  detail::centre_flow(ctx, labels, exact, 1000);
  detail::centre_flow(ctx, labels, coarse, 32);
  double mean = 0, pixels = 0;
  for (index_t p = 0; p < labels.size(); ++p)
    if (labels[p] > 0) {
      mean += static_cast<double>(exact[2 * p] * coarse[2 * p] + exact[2 * p + 1] * coarse[2 * p + 1]);
      ++pixels;
    }
  REQUIRE(pixels > 5000);
  CHECK(mean / pixels > 0.97);
}

TEST_CASE("flow_field: parts of an object flow to middles of their own, unknown pixels have weight 0",
          "[postprocess]") {
  context<cpu> ctx;
  const label_map labels = drawn({"11111...........",  //
                                  "11111.....11111.",  //
                                  "11111.....11111.",  //
                                  "11111.....11111?"});
  const tensor<float> t = flow_field{}.target(ctx, annotated(labels));
  CHECK(t(1, 14, 3) < -4);  // left
  CHECK(t(2, 0, 3) > 4);
  CHECK(t(3, 15, 0) == -1);
  CHECK(t(3, 15, 1) == 0);
  CHECK(t(3, 14, 1) == 1);
  CHECK(t(0, 9, 1) == 1);
}

TEST_CASE("flow_field: an object whose flow is another is none, thresholds and holes", "[postprocess]") {
  context<cpu> ctx;
  label_map labels({32, 64});
  for (index_t i = 4; i < 28; ++i)
    for (index_t j = 4; j < 28; ++j) labels(i, j) = 1, labels(i, j + 32) = 2;
  flow_field policy;
  const tensor<float> right = perfect(policy, policy.target(ctx, annotated(labels)));
  tensor<float> output = right.clone();
  CHECK(policy.decode(ctx, output).objects.size() == 2);
  // Turned by 60 degrees: spirals that still end in the middle, half a squared step of 1 away from the true flow.
  for (index_t i = 4; i < 28; ++i)
    for (index_t j = 36; j < 60; ++j) {
      const float y = right(i, j, 1), x = right(i, j, 2);
      output(i, j, 1) = 0.5f * y - 0.866f * x, output(i, j, 2) = 0.866f * y + 0.5f * x;
    }
  CHECK(policy.decode(ctx, output).objects.size() == 1);
  policy.most_flow_error = 1.2f;
  CHECK(policy.decode(ctx, output).objects.size() == 2);
  // A hole is filled, a dim object is none.
  output = right.clone();
  output(10, 10, 0) = -5;
  for (index_t i = 4; i < 28; ++i)
    for (index_t j = 36; j < 60; ++j) output(i, j, 0) = 0.2f;
  prediction found = policy.decode(ctx, output);
  CHECK(found.objects.size() == 2);
  CHECK(found.labels(10, 10) == found.labels(11, 11));
  CHECK(found.objects[static_cast<std::size_t>(found.labels(12, 40) - 1)].score == Approx(1 / (1 + std::exp(-0.2))));
  policy.object_threshold = 0.6f;
  CHECK(policy.decode(ctx, output).objects.size() == 1);
}

TEST_CASE("flow_field: mirrored channels are the mirrored labels' channels", "[postprocess]") {
  context<cpu> ctx;
  const flow_field policy;
  // An odd number of pixels in every row and column of an object: its median is its middle from both sides.
  label_map labels({21, 30}), turned(labels.shape());
  for (index_t i = 0; i < 21; ++i)
    for (index_t j = 0; j < 30; ++j)
      labels(i, j) = (i - 9) * (i - 9) + (j - 8) * (j - 8) <= 49 ? 1 : i > 5 && i < 15 && j > 20 && j < 28 ? 2 : 0;
  for (const mirror m : {mirror::horizontal, mirror::vertical}) {
    const auto place = [&](index_t i, index_t j) {
      return m == mirror::horizontal ? i * 30 + 29 - j : (20 - i) * 30 + j;
    };
    for (index_t i = 0; i < 21; ++i)
      for (index_t j = 0; j < 30; ++j) turned[place(i, j)] = labels(i, j);
    const tensor<float> straight = perfect(policy, policy.target(ctx, annotated(labels)));
    const tensor<float> mirrored = perfect(policy, policy.target(ctx, annotated(turned)));
    tensor<float> back(straight.shape());
    for (index_t i = 0; i < 21; ++i)
      for (index_t j = 0; j < 30; ++j) std::copy_n(mirrored.data() + 3 * place(i, j), 3, &back(i, j, 0));
    policy.flip(back, m);
    for (index_t p = 0; p < back.size(); ++p) CHECK(back[p] == Approx(straight[p]).margin(1e-5));
  }
}

}  // namespace aixcell::test
