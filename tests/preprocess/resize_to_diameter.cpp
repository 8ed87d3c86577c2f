#include <aixcell/preprocess/resize_to_diameter.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

TEST_CASE("resize_to_diameter gives objects the diameter asked for", "[preprocess]") {
  context<cpu> ctx(2);
  examples_in_memory training;
  training.add(random_image({40, 120, 2}, 1), squares({9, 10, 31}));
  const resize_to_diameter policy{.diameter = 24};
  const auto state = policy.fit(ctx, training);
  CHECK(state.factor == Approx(24 / disc_diameter(10)));
  CHECK(member_names(state) == std::vector<std::string>{"factor"});
  const tensor<float> out = policy.apply(ctx, training.all[0].picture.pixels, state);
  CHECK(out.shape() == shape{std::lround(40 * state.factor), std::lround(120 * state.factor), 2});
  for (const float factor : {0.125f, 0.5f, 1.0f, 1.3f, 8.0f}) check_policy(policy, {factor});
  CHECK(policy.apply(ctx, random_image({1, 7, 1}, 1), {0.125f}).shape() == shape{1, 1, 1});
}

TEST_CASE("resize_to_diameter: factors have limits, without objects there is none", "[preprocess]") {
  context<cpu> ctx;
  examples_in_memory training;
  training.add(tensor<float>({40, 40, 1}), squares({1}));
  CHECK(resize_to_diameter{.diameter = 64}.fit(ctx, training).factor == 8);
  training.all[0].truth.labels.fill(1);
  CHECK(resize_to_diameter{.diameter = 1}.fit(ctx, training).factor == 0.125f);
  training.all[0].truth.labels.fill(0);
  CHECK(resize_to_diameter{}.fit(ctx, training).factor == 1);
}

}  // namespace aixcell
