#include <aixcell/postprocess/nuclei_per_cell.hpp>

#include "postprocess/objects.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

void box(label_map& labels, index_t top, index_t left, index_t height, index_t width, std::int32_t label) {
  for (index_t i = top; i < top + height; ++i)
    for (index_t j = left; j < left + width; ++j) labels(i, j) = label;
}

/// Four touching cells with one, two, three and no nuclei, and a nucleus outside all cells.
annotation cells_and_nuclei() {
  annotation truth = annotated(label_map({44, 90}));
  truth.nuclei = label_map({44, 90});
  for (int cell = 0; cell < 4; ++cell) box(truth.labels, 2, 2 + 20 * cell, 30, 20, 2 + cell);
  std::int32_t nucleus = 0;
  for (int cell = 0; cell < 3; ++cell)
    for (int n = 0; n <= cell; ++n) box(truth.nuclei, 4 + 9 * n, 8 + 20 * cell, 7, 8, ++nucleus);
  box(truth.nuclei, 36, 40, 6, 6, ++nucleus);
  return truth;
}

tensor<float> perfect(const tensor<float>& target) {
  tensor<float> output({target.extent(0), target.extent(1), 6});
  say_class(target, 0, output, 0, 3);
  say_class(target, 1, output, 3, 3);
  return output;
}

}  // namespace

TEST_CASE("nuclei_per_cell counts nuclei and names cells after them", "[postprocess]") {
  context<cpu> ctx;
  const nuclei_per_cell policy;
  const annotation truth = cells_and_nuclei();
  const prediction found = policy.decode(ctx, perfect(policy.target(ctx, truth)));
  REQUIRE(found.objects.size() == 4);
  CHECK(is_consistent(found));
  CHECK(matching(truth.labels, found.labels, {.threshold = 0.95}).counts.true_positives == 4);
  CHECK(matching(truth.nuclei, found.nuclei, {.threshold = 0.95}).counts.true_positives == 7);
  std::vector<std::array<int, 2>> counts(4);
  for (int cell = 0; cell < 4; ++cell) {
    const detected_object& o = found.objects[static_cast<std::size_t>(found.labels(30, 12 + 20 * cell) - 1)];
    counts[static_cast<std::size_t>(cell)] = {o.nuclei, o.object_class};
  }
  CHECK(counts == std::vector<std::array<int, 2>>{{1, 0}, {2, 1}, {3, 1}, {0, -1}});
}

TEST_CASE("nuclei_per_cell: gradient of the loss, unknown nuclei", "[postprocess]") {
  context<cpu> ctx;
  const nuclei_per_cell policy;
  annotation truth = annotated(ellipses({.height = 15, .width = 19, .objects = 3}, random_stream(1)));
  truth.nuclei =
      ellipses({.height = 15, .width = 19, .objects = 3, .least_radius = 3, .greatest_radius = 4}, random_stream(2));
  CHECK(loss_gradient_error(policy, policy.target(ctx, truth)) < 1e-6);
  truth.nuclei = {};
  const tensor<float> target = policy.target(ctx, truth);
  CHECK(loss_gradient_error(policy, target) < 1e-6);
  tensor<float> output({1, 15, 19, 6}), gradient(output.shape());
  policy.loss<float>(ctx, output.as_view(), target.reshaped({1, 15, 19, 2}).as_view(), gradient.as_view());
  for (index_t p = 0; p < 15 * 19; ++p) CHECK(gradient[6 * p + 4] == 0);

  truth.nuclei = label_map({15, 18});
  CHECK_THROWS_AS(policy.target(ctx, truth), shape_error);
}

TEST_CASE("nuclei_per_cell: one pixel, and tunables of both maps", "[postprocess]") {
  context<cpu> ctx;
  nuclei_per_cell policy;
  CHECK(is_consistent(policy.decode(ctx, perfect(policy.target(ctx, annotated(label_map({1, 1})))))));
  std::vector<std::string> names;
  for_each_hyperparameter(policy, [&](const auto& h, auto& value) {
    names.push_back(std::string(h.name));
    if (h.name == "nuclei.seed_threshold") value = static_cast<std::remove_reference_t<decltype(value)>>(0.7);
  });
  CHECK(std::count(names.begin(), names.end(), "cells.seed_threshold") == 1);
  CHECK(policy.nuclei.seed_threshold == 0.7f);
  CHECK(policy.cells.seed_threshold == 0.5f);
}

}  // namespace aixcell::test
