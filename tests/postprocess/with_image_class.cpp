#include <aixcell/postprocess/with_image_class.hpp>

#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/semantic.hpp>

#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

TEMPLATE_TEST_CASE("with_image_class is the representation and the image's class", "[postprocess]", semantic,
                   interior_border) {
  context<cpu> ctx(1);
  static_assert(Postprocess<with_image_class<TestType>>);
  with_image_class<TestType> policy;
  policy.image_classes = 3;
  policy.image_class_shares = {0.5f, 0.3f, 0.2f};
  CHECK(policy.name == std::string(TestType::name) + "_image_class");
  annotation truth = annotated(ellipses({.height = 13, .width = 11, .objects = 3}, random_stream(6)));
  if (TestType::solves == task::semantic_segmentation)
    for (std::int32_t& label : truth.labels) label = label > 0;
  truth.image_class = 2;
  const index_t k = policy.dense.output_channels(), t = policy.dense.target_channels(), pixels = 13 * 11;
  const tensor<float> target = policy.target(ctx, truth), of_dense = policy.dense.target(ctx, truth);
  REQUIRE(target.shape() == shape{13, 11, t + 1});
  for (index_t p = 0; p < pixels; ++p) {
    CHECK(target[p * (t + 1)] == of_dense[p * t]);
    CHECK(target[p * (t + 1) + t] == 2);
  }

  // Two images; loss and gradient are those of the two parts.
  random_stream random(7);
  tensor<double> output({2, 13, 11, k + 3}), dense({2, 13, 11, k}), mean({2, 1, 1, 3});
  for (double& v : output) v = static_cast<double>(random.normal());
  tensor<float> targets({2, 13, 11, t + 1}), dense_targets({2, 13, 11, t}), classes({2, 1, 1, 1});
  classes.fill(2);
  for (index_t n = 0; n < 2; ++n) {
    std::copy(target.begin(), target.end(), targets.slice(n).begin());
    std::copy(of_dense.begin(), of_dense.end(), dense_targets.slice(n).begin());
    for (index_t p = 0; p < pixels; ++p) {
      const double* from = output.slice(n).data() + p * (k + 3);
      std::copy_n(from, k, dense.slice(n).data() + p * k);
      for (index_t c = 0; c < 3; ++c) mean(n, 0, 0, c) += from[k + c] / static_cast<double>(pixels);
    }
  }
  tensor<double> gradient(output.shape()), of_map(dense.shape()), of_image(mean.shape());
  const double found = policy.template loss<double>(ctx, output.as_view(), targets.as_view(), gradient.as_view());
  const double map_loss =
      policy.dense.template loss<double>(ctx, dense.as_view(), dense_targets.as_view(), of_map.as_view());
  const image_class alone{.image_classes = 3, .image_class_shares = policy.image_class_shares, .label_smoothing = 0};
  const double image_loss = alone.loss<double>(ctx, mean.as_view(), classes.as_view(), of_image.as_view());
  const auto weight = static_cast<double>(policy.image_class_weight);
  CHECK(found == Approx(map_loss + weight * image_loss));
  for (index_t n = 0; n < 2; ++n)
    for (index_t p = 0; p < pixels; ++p) {
      for (index_t c = 0; c < k; ++c)
        REQUIRE(gradient.slice(n)[p * (k + 3) + c] == Approx(of_map.slice(n)[p * k + c]).margin(1e-12));
      for (index_t c = 0; c < 3; ++c)
        REQUIRE(gradient.slice(n)[p * (k + 3) + k + c] ==
                Approx(weight * of_image(n, 0, 0, c) / static_cast<double>(pixels)).margin(1e-12));
    }

  tensor<float> seen({13, 11, k + 3}), seen_dense({13, 11, k});
  for (index_t p = 0; p < pixels; ++p) {
    for (index_t c = 0; c < k + 3; ++c) seen[p * (k + 3) + c] = static_cast<float>(output[p * (k + 3) + c]);
    std::copy_n(seen.data() + p * (k + 3), k, seen_dense.data() + p * k);
    seen[p * (k + 3) + k + 1] += 2;  // class 1 stands out
  }
  const prediction both = policy.decode(ctx, seen), map = policy.dense.decode(ctx, seen_dense);
  CHECK(std::equal(both.labels.begin(), both.labels.end(), map.labels.begin(), map.labels.end()));
  CHECK(both.image_class == 1);
  CHECK(both.image_class_probabilities.size() == 3);
}

}  // namespace aixcell::test
