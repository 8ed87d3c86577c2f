// What every representation of objects promises: hard scenes, noise, gradients, sizes, bad input.
#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

template <class Policy>
label_map round_trip(const Policy& policy, const label_map& labels, float noise = 0) {
  context<cpu> ctx;
  tensor<float> output = perfect(policy, policy.target(ctx, annotated(labels)));
  random_stream random(11);
  for (index_t p = 0; p < output.size(); ++p)
    output[p] += noise * noise_scale(policy, p % output.extent(2)) * random.normal();
  const prediction found = policy.decode(ctx, output);
  CHECK(is_consistent(found));
  CHECK(found.labels.shape() == labels.shape());
  return found.labels;
}

double precision_at(double threshold, const label_map& truth, const label_map& found) {
  return matching(truth, found, {.threshold = threshold}).scores.average_precision;
}

template <class Policy>
Policy that_keeps_single_pixels() {
  Policy policy;
  for_each_hyperparameter(policy, [](const auto& h, auto& value) {
    if (h.name == "min_area") value = static_cast<std::remove_reference_t<decltype(value)>>(1);
  });
  return policy;
}

}  // namespace

TEMPLATE_TEST_CASE("representations find the objects they encode", "[postprocess]", distance_watershed, flow_field,
                   refined_star_convex<32>) {
  const TestType policy;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const label_map labels = ellipses({}, random_stream(seed));
    CAPTURE(seed);
    CHECK(precision_at(0.7, labels, round_trip(policy, labels)) == 1);
  }
  const label_map discs = touching_discs(96, 96, 8);
  CHECK(precision_at(0.9, discs, round_trip(policy, discs)) == 1);
}

TEMPLATE_TEST_CASE("representations stand noise in the output", "[postprocess]", interior_border, star_convex<32>,
                   refined_star_convex<32>, distance_watershed, flow_field) {
  const TestType policy;
  const label_map labels = ellipses({.height = 160, .width = 170, .objects = 30}, random_stream(3));
  const double precision = precision_at(0.5, labels, round_trip(policy, labels, 0.3f));
  CAPTURE(TestType::name, precision);
  CHECK(precision > 0.9);
}

TEMPLATE_TEST_CASE("representations of any shape hold a crescent", "[postprocess]", interior_border, distance_watershed,
                   flow_field) {
  CHECK(precision_at(0.9, crescent(), round_trip(TestType{}, crescent())) == 1);
}

TEMPLATE_TEST_CASE("representations: small objects, the rim of the image, nothing", "[postprocess]", interior_border,
                   star_convex<32>, refined_star_convex<32>, distance_watershed, flow_field) {
  const auto policy = that_keeps_single_pixels<TestType>();
  const label_map points = drawn({"1...2",  //
                                  ".....",  //
                                  "..3..",  //
                                  ".....",  //
                                  "4...5"});
  CHECK(precision_at(0.99, points, round_trip(policy, points)) == 1);
  const label_map rim = drawn({"11111...22",  //
                               "11111...22",  //
                               "11111...22",  //
                               ".........2",  //
                               "3333......",  //
                               "33333.....",  //
                               "33333..444",  //
                               "33333..444"});
  CHECK(precision_at(0.6, rim, round_trip(policy, rim)) == 1);
  const label_map empty({20, 30});
  const label_map found = round_trip(policy, empty);
  CHECK(std::all_of(found.begin(), found.end(), [](std::int32_t l) { return l == 0; }));
}

TEMPLATE_TEST_CASE("representations: an object in two parts is found in its larger part at least", "[postprocess]",
                   interior_border, star_convex<32>, refined_star_convex<32>, distance_watershed, flow_field) {
  label_map labels({40, 60});
  for (index_t i = 0; i < 40; ++i)
    for (index_t j = 0; j < 60; ++j) {
      const auto near = [&](index_t y, index_t x, index_t r) { return (i - y) * (i - y) + (j - x) * (j - x) <= r * r; };
      labels(i, j) = near(20, 16, 12) || near(20, 50, 5) ? 1 : 0;
    }
  CHECK(precision_at(0.75, labels, round_trip(TestType{}, labels)) >= 0.5);
}

TEMPLATE_TEST_CASE("representations: gradient of the loss", "[postprocess]", distance_watershed, flow_field,
                   refined_star_convex<32>, connected_foreground) {
  context<cpu> ctx;
  label_map labels =
      ellipses({.height = 15, .width = 21, .objects = 4, .least_radius = 3, .greatest_radius = 6}, random_stream(3));
  for (index_t j = 0; j < 9; ++j) labels(3, j) = ignored_label;
  const TestType policy;
  CHECK(loss_gradient_error(policy, policy.target(ctx, annotated(labels))) < 1e-6);
}

TEMPLATE_TEST_CASE("representations: any size, nothing there, nothing known, nothing finite", "[postprocess]",
                   distance_watershed, flow_field, refined_star_convex<8>, connected_foreground) {
  context<cpu> ctx;
  const auto policy = that_keeps_single_pixels<TestType>();
  const int outputs = policy.output_channels(), targets = policy.target_channels();
  for (const shape size : {shape{1, 1}, shape{1, 7}, shape{5, 1}, shape{3, 2}})
    for (const std::int32_t label : {0, 1, ignored_label}) {
      label_map labels(size);
      labels.fill(label);
      const tensor<float> target = policy.target(ctx, annotated(labels));
      const prediction found = policy.decode(ctx, perfect(policy, target));
      CHECK(is_consistent(found));
      CHECK(found.labels.shape() == size);
      if (label != 1) CHECK(found.objects.empty());
      if (label == 1) CHECK(std::all_of(found.labels.begin(), found.labels.end(), [](int l) { return l == 1; }));
      tensor<float> gradient({1, size[0], size[1], outputs});
      const double loss =
          policy.template loss<float>(ctx, perfect(policy, target).reshaped(gradient.shape()).as_view(),
                                      target.reshaped({1, size[0], size[1], targets}).as_view(), gradient.as_view());
      CHECK(std::isfinite(loss));
      if (label == ignored_label) CHECK(loss == 0);
    }
  label_map numbered_oddly({4, 4});
  numbered_oddly[5] = 2000000000;
  if constexpr (std::is_same_v<TestType, flow_field> || std::is_same_v<TestType, connected_foreground>)
    CHECK(policy.target(ctx, annotated(numbered_oddly))(1, 1, 0) == 1);
  else
    CHECK_THROWS_WITH(policy.target(ctx, annotated(numbered_oddly)), Catch::Contains("number the objects 1..N"));
  tensor<float> output({9, 9, outputs});
  for (const float strange : {std::nanf(""), INFINITY, -INFINITY, 1e30f}) {
    output.fill(strange);
    CHECK(is_consistent(policy.decode(ctx, output)));
    for (index_t p = 0; p < 81; ++p) output[outputs * p] = 3;
    CHECK(is_consistent(policy.decode(ctx, output)));
  }
  CHECK(policy.decode(ctx, tensor<float>({0, 5, outputs})).objects.empty());
  CHECK_THROWS_AS(policy.decode(ctx, tensor<float>({8, 8, outputs - 1})), shape_error);
  CHECK_THROWS_AS(policy.target(ctx, annotated(label_map({8}))), shape_error);
}

}  // namespace aixcell::test
