// A pixel that nobody annotated teaches nothing: whatever the network says there, loss and gradients are the same.
#include <limits>

#include <aixcell/postprocess/nuclei_per_cell.hpp>
#include <aixcell/postprocess/semantic.hpp>
#include <aixcell/postprocess/with_classes.hpp>

#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Objects with classes and nuclei; a band through them and scattered pixels are unknown.
annotation half_annotated(bool as_classes) {
  annotation truth =
      annotated(ellipses({.height = 33, .width = 41, .objects = 9, .least_radius = 4}, random_stream(2)));
  truth.nuclei =
      ellipses({.height = 33, .width = 41, .objects = 9, .least_radius = 2, .greatest_radius = 4}, random_stream(3));
  random_stream random(4);
  for (int i = 0; i < 27; ++i) truth.object_class.push_back(static_cast<int>(random.below(2)));
  for (index_t i = 0; i < 33; ++i)
    for (index_t j = 0; j < 41; ++j) {
      std::int32_t& label = truth.labels(i, j);
      if (as_classes) label = label > 0;
      if ((j > 12 && j < 20) || random.chance(0.05f)) label = ignored_label;
    }
  return truth;
}

}  // namespace

TEMPLATE_TEST_CASE("pixels nobody knows change neither the loss nor a gradient", "[postprocess]", semantic,
                   interior_border, star_convex<8>, refined_star_convex<8>, distance_watershed, flow_field,
                   connected_foreground, nuclei_per_cell, with_classes<interior_border>, with_classes<star_convex<8>>,
                   with_classes<refined_star_convex<8>>, with_classes<distance_watershed>, with_classes<flow_field>) {
  context<cpu> ctx;
  const TestType policy;
  const annotation truth = half_annotated(TestType::solves == task::semantic_segmentation);
  const tensor<float> target = policy.target(ctx, truth);
  const index_t channels = policy.output_channels(), pixels = truth.labels.size();
  tensor<float> output({1, 33, 41, channels}), gradient(output.shape()), other(output.shape());
  random_stream random(5);
  for (float& v : output) v = random.normal();
  const auto loss = [&](tensor<float>& into) {
    return policy.template loss<float>(
        ctx, output.as_view(), target.reshaped({1, 33, 41, policy.target_channels()}).as_view(), into.as_view());
  };
  const double before = loss(gradient);
  REQUIRE(before > 0);
  index_t unknown = 0, idle = 0;
  for (index_t p = 0; p < pixels; ++p)
    for (index_t c = 0; c < channels; ++c) {
      const float g = gradient[p * channels + c];
      if (truth.labels[p] != ignored_label) {
        idle += g == 0;
        continue;
      }
      ++unknown;
      CHECK(g == 0);
      output[p * channels + c] = c % 2 ? std::numeric_limits<float>::quiet_NaN() : 50 * random.normal();
    }
  REQUIRE(unknown > 100 * channels);
  CHECK(idle < pixels * channels / 2 + pixels * std::max<index_t>(0, channels - 2));  // the others do teach
  CHECK(loss(other) == before);
  CHECK(std::equal(gradient.begin(), gradient.end(), other.begin()));
}

}  // namespace aixcell::test
