#include <aixcell/postprocess/semantic.hpp>

#include "postprocess/objects.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("semantic: classes come back, unknown pixels do not count", "[postprocess]") {
  context<cpu> ctx;
  semantic policy;
  policy.classes = 4;
  CHECK(policy.output_channels() == 4);
  label_map classes({13, 17});
  random_stream random(1);
  for (std::int32_t& c : classes) c = static_cast<std::int32_t>(random.below(4));
  const tensor<float> target = policy.target(ctx, annotated(classes));
  tensor<float> output({13, 17, 4});
  say_class(target, 0, output, 0, 4);
  const prediction found = policy.decode(ctx, output);
  CHECK(std::equal(classes.begin(), classes.end(), found.labels.begin()));
  CHECK(found.objects.empty());

  classes(2, 3) = ignored_label;
  const tensor<float> with_gap = policy.target(ctx, annotated(classes));
  CHECK(with_gap(2, 3, 0) == -1);
  tensor<float> gradient({1, 13, 17, 4});
  CHECK(policy.loss<float>(ctx, output.reshaped(gradient.shape()).as_view(),
                           with_gap.reshaped({1, 13, 17, 1}).as_view(), gradient.as_view()) < 0.01);
  CHECK(gradient(0, 2, 3, 0) == 0);
  CHECK(gradient(0, 2, 4, 0) != 0);

  classes(0, 0) = 4;
  CHECK_THROWS_WITH(policy.target(ctx, annotated(classes)), "semantic: class 4 in the mask, 4 classes are declared");
  CHECK_THROWS_AS(policy.decode(ctx, tensor<float>({8, 8, 3})), shape_error);
}

TEST_CASE("semantic: gradient of the loss, one pixel", "[postprocess]") {
  context<cpu> ctx;
  semantic policy;
  policy.classes = 3;
  label_map classes({7, 9});
  for (index_t p = 0; p < 63; ++p) classes[p] = static_cast<std::int32_t>(p % 4) - 1;
  CHECK(loss_gradient_error(policy, policy.target(ctx, annotated(classes))) < 1e-6);
  CHECK(loss_gradient_error(policy, policy.target(ctx, annotated(label_map({1, 1})))) < 1e-6);
}

}  // namespace aixcell::test
