#include <aixcell/postprocess/refined_star_convex.hpp>

#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// An output that says the given pixels are objects', with polygons that are circles of these radii.
struct circle {
  index_t row, column;
  float radius, logit;
};
tensor<float> circles_over(const label_map& truth, std::initializer_list<circle> circles) {
  tensor<float> output({truth.extent(0), truth.extent(1), 34});
  for (index_t p = 0; p < truth.size(); ++p) {
    output[34 * p] = -9;
    output[34 * p + 33] = truth[p] > 0 ? 6.0f : -6.0f;
  }
  for (const circle& c : circles) {
    output(c.row, c.column, 0) = c.logit;
    for (int k = 1; k <= 32; ++k) output(c.row, c.column, k) = std::log(c.radius / star_convex<32>::distance_unit);
  }
  return output;
}

label_map two_squares() {
  label_map labels({24, 44});
  for (index_t i = 4; i < 20; ++i)
    for (index_t j = 4; j < 36; ++j) labels(i, j) = j < 20 ? 1 : 2;
  return labels;
}

}  // namespace

TEST_CASE("refined_star_convex: names, channels, tunables", "[postprocess]") {
  CHECK(refined_star_convex<32>::name == "refined_star_convex32");
  CHECK(refined_star_convex<32>{}.output_channels() == 34);
  std::vector<std::string> names;
  refined_star_convex<32> policy;
  for_each_hyperparameter(policy, [&](const auto& h, auto&) { names.emplace_back(h.name); });
  CHECK(names == std::vector<std::string>{"distance_weight", "probability_threshold", "overlap_threshold", "min_area",
                                          "object_threshold", "reach"});
}

TEST_CASE("refined_star_convex: rough polygons, exact objects", "[postprocess]") {
  context<cpu> ctx;
  const label_map truth = two_squares();
  // Circles are no squares: some corners lie outside of them, and they reach over the upper edge.
  const tensor<float> output = circles_over(truth, {{11, 11, 8.5f, 2}, {11, 28, 8.5f, 1}});
  const prediction plain = star_convex<32>{}.decode(ctx, output);
  const prediction refined = refined_star_convex<32>{}.decode(ctx, output);
  CHECK(is_consistent(refined));
  REQUIRE(refined.objects.size() == 2);
  CHECK(refined.objects[0].score == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(matching(truth, plain.labels, {.threshold = 0.9}).scores.average_precision == 0);
  CHECK(matching(truth, refined.labels, {.threshold = 0.95}).scores.average_precision == 1);
}

TEST_CASE("refined_star_convex: what no polygon reaches, and polygons over nothing", "[postprocess]") {
  context<cpu> ctx;
  label_map truth = two_squares();
  truth(1, 42) = 3;
  const tensor<float> output = circles_over(truth, {{11, 11, 8.5f, 2}, {21, 40, 2.0f, 3}});
  refined_star_convex<32> policy;
  prediction found = policy.decode(ctx, output);
  REQUIRE(found.objects.size() == 1);  // the better polygon has no pixel
  CHECK(found.objects[0].score == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(found.labels(11, 23) == 1);  // connected, 12 pixels away
  CHECK(found.labels(11, 25) == 0);
  CHECK(found.labels(1, 42) == 0);
  policy.reach = 1;
  found = policy.decode(ctx, output);
  CHECK(found.labels(11, 19) == 1);
  CHECK(found.labels(11, 21) == 0);
  policy.object_threshold = 0.999f;
  CHECK(policy.decode(ctx, output).objects.empty());
}

TEST_CASE("refined_star_convex: a gap in the pixels is not crossed", "[postprocess]") {
  context<cpu> ctx;
  label_map truth({24, 44});
  for (index_t i = 4; i < 20; ++i)
    for (index_t j = 4; j < 36; ++j) truth(i, j) = j != 21;
  const prediction found = refined_star_convex<32>{}.decode(ctx, circles_over(truth, {{11, 11, 8.5f, 2}}));
  CHECK(found.labels(11, 20) == 1);  // outside of the polygon
  CHECK(found.labels(11, 22) == 0);  // within reach
}

TEST_CASE("refined_star_convex: mirrored channels go back", "[postprocess]") {
  const refined_star_convex<8> policy;
  tensor<float> dense({1, 1, 10});
  for (index_t c = 0; c < 10; ++c) dense[c] = static_cast<float>(c);
  policy.flip(dense, mirror::vertical);
  CHECK(dense[0] == 0);
  CHECK(dense[2] == 8);  // ray 1 was ray 7
  CHECK(dense[9] == 9);
}

}  // namespace aixcell::test
