#include "postprocess/perfect.hpp"
#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("objects that stand apart are found to the pixel, those that touch are one", "[postprocess]") {
  context<cpu> ctx(1);
  const connected_foreground policy{.min_area = 2};
  const label_map labels = drawn({"11..22333",  //
                                  "11..22333",  //
                                  ".........",  //
                                  "....4...5"});
  const prediction found = policy.decode(ctx, perfect(policy, policy.target(ctx, annotated(labels))));
  CHECK(is_consistent(found));
  REQUIRE(found.objects.size() == 2);
  for (index_t p = 0; p < labels.size(); ++p) {
    const std::int32_t expected = labels[p] == 1 ? 1 : labels[p] == 2 || labels[p] == 3 ? 2 : 0;
    CHECK(found.labels[p] == expected);
  }
}

TEST_CASE("an object's score is the mean of its probabilities", "[postprocess]") {
  context<cpu> ctx(1);
  tensor<float> output({1, 4, 1});
  output.fill(-4);
  output[0] = 0.5f, output[1] = 2;
  const prediction found = connected_foreground{.min_area = 1}.decode(ctx, output);
  REQUIRE(found.objects.size() == 1);
  CHECK(found.objects[0].score == Approx((1 / (1 + std::exp(-0.5)) + 1 / (1 + std::exp(-2.0))) / 2));
}

}  // namespace aixcell::test
