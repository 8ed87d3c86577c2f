#include <aixcell/postprocess/interior_border.hpp>

#include "postprocess/objects.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("interior_border: the border is the rim, and every object keeps an interior", "[postprocess]") {
  context<cpu> ctx;
  label_map labels({9, 24});
  const auto box = [&](index_t top, index_t left, index_t height, index_t width, std::int32_t label) {
    for (index_t i = top; i < top + height; ++i)
      for (index_t j = left; j < left + width; ++j) labels(i, j) = label;
  };
  box(1, 1, 7, 7, 5);   // deep enough for a border of two pixels
  box(1, 8, 3, 3, 2);   // touches it; has one pixel of interior
  box(6, 12, 1, 1, 9);  // one pixel
  box(2, 16, 2, 5, 7);  // nowhere deeper than its rim
  labels(8, 23) = ignored_label;
  const tensor<float> t = interior_border{}.target(ctx, annotated(labels));
  REQUIRE(t.shape() == shape{9, 24, 1});
  CHECK(t(0, 0, 0) == 0);
  CHECK(t(1, 1, 0) == 2);
  CHECK(t(2, 2, 0) == 2);
  CHECK(t(3, 3, 0) == 1);
  CHECK(t(2, 7, 0) == 2);  // where two objects touch
  CHECK(t(2, 8, 0) == 2);
  CHECK(t(2, 9, 0) == 1);
  CHECK(t(6, 12, 0) == 1);
  CHECK(t(2, 16, 0) == 1);
  CHECK(t(8, 23, 0) == -1);
}

TEST_CASE("interior_border finds the objects it encodes", "[postprocess]") {
  context<cpu> ctx;
  const interior_border policy;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const label_map labels = ellipses({}, random_stream(seed));
    const prediction found = policy.decode(ctx, perfect_borders(policy.target(ctx, annotated(labels))));
    CAPTURE(seed);
    CHECK(is_consistent(found));
    const matching_result m = matching(labels, found.labels, {.threshold = 0.7});
    CHECK(m.scores.average_precision == 1);
    CHECK(m.scores.mean_matched_score > 0.93);
  }
  const label_map discs = touching_discs(96, 96, 8);
  const prediction found = policy.decode(ctx, perfect_borders(policy.target(ctx, annotated(discs))));
  CHECK(matching(discs, found.labels, {.threshold = 0.9}).scores.average_precision == 1);
}

TEST_CASE("interior_border: scores are mean probabilities, small seeds are noise, seedless parts are objects",
          "[postprocess]") {
  context<cpu> ctx;
  tensor<float> output({12, 40, 3});
  const auto paint = [&](index_t left, index_t right, float interior, float border) {
    for (index_t i = 2; i < 10; ++i)
      for (index_t j = left; j < right; ++j) output(i, j, 1) = interior, output(i, j, 2) = border;
  };
  for (index_t p = 0; p < 12 * 40; ++p) output[3 * p] = 8;
  paint(2, 10, 20, 0);    // certain
  paint(14, 22, 10, 0);   // e^2 to 1
  paint(26, 34, 0, 12);   // border only
  output(5, 38, 1) = 20;  // one pixel
  const prediction found = interior_border{}.decode(ctx, output);
  REQUIRE(found.objects.size() == 3);
  CHECK(is_consistent(found));
  CHECK(found.objects[0].score == Approx(1).margin(1e-4));
  CHECK(found.objects[1].score ==
        Approx((std::exp(2) + std::exp(-8)) / (std::exp(2) + std::exp(-8) + 1)).epsilon(1e-4));
  CHECK(found.labels(5, 30) == 3);
  CHECK(found.labels(5, 38) == 0);

  interior_border strict;
  strict.object_threshold = 0.9f;
  CHECK(strict.decode(ctx, output).objects.size() == 2);
}

TEST_CASE("interior_border: gradient of the loss", "[postprocess]") {
  context<cpu> ctx;
  const interior_border policy;
  label_map labels = ellipses({.height = 17, .width = 19, .objects = 4}, random_stream(2));
  for (index_t j = 0; j < 9; ++j) labels(3, j) = ignored_label;
  const tensor<float> target = policy.target(ctx, annotated(labels));
  CHECK(loss_gradient_error(policy, target) < 1e-6);
  // Perfect beats indifferent; pixels nobody annotated have no say.
  const auto loss = [&](const tensor<float>& output, tensor<float>& gradient) {
    return policy.loss<float>(ctx, output.reshaped({1, 17, 19, 3}).as_view(), target.reshaped({1, 17, 19, 1}).as_view(),
                              gradient.reshaped({1, 17, 19, 3}).as_view());
  };
  tensor<float> gradient({17, 19, 3}), zeros({17, 19, 3});
  CHECK(loss(perfect_borders(target), gradient) < 1e-3);
  CHECK(loss(zeros, gradient) == Approx(std::log(3.0)));
  CHECK(gradient(3, 4, 1) == 0);
  CHECK(gradient(4, 4, 1) != 0);
}

TEST_CASE("interior_border: any size, nothing there, nothing known, nothing finite", "[postprocess]") {
  context<cpu> ctx;
  const interior_border policy;
  for (const shape size : {shape{1, 1}, shape{1, 7}, shape{5, 1}, shape{3, 2}})
    for (const std::int32_t label : {0, 1, ignored_label}) {
      label_map labels(size);
      labels.fill(label);
      const tensor<float> target = policy.target(ctx, annotated(labels));
      const prediction found = policy.decode(ctx, perfect_borders(target));
      CHECK(found.labels.shape() == size);
      CHECK(is_consistent(found));
      tensor<float> gradient({1, size[0], size[1], 3});
      CHECK(std::isfinite(policy.loss<float>(ctx, perfect_borders(target).reshaped(gradient.shape()).as_view(),
                                             target.reshaped({1, size[0], size[1], 1}).as_view(), gradient.as_view())));
    }
  label_map numbered_oddly({4, 4});
  numbered_oddly[5] = 2000000000;
  CHECK_THROWS_WITH(policy.target(ctx, annotated(numbered_oddly)), Catch::Contains("number the objects 1..N"));
  tensor<float> output({8, 8, 3});
  output.fill(std::nanf(""));
  CHECK(policy.decode(ctx, output).objects.empty());
  CHECK_THROWS_AS(policy.decode(ctx, tensor<float>({8, 8, 2})), shape_error);
}

}  // namespace aixcell::test
