#include <aixcell/preprocess/only_channels.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/percentile.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

TEST_CASE("only_channels takes channels in the order that was asked for", "[preprocess]") {
  context<cpu> ctx(1);
  check_policy(only_channels<1>{}, {});
  check_policy(only_channels<2, 0>{}, {});
  const tensor<float> pixels = random_image({5, 7, 4}, 2), out = only_channels<3, 1>{}.apply(ctx, pixels);
  for (index_t p = 0; p < 35; ++p) {
    CHECK(out[2 * p] == pixels[4 * p + 3]);
    CHECK(out[2 * p + 1] == pixels[4 * p + 1]);
  }
  STATIC_REQUIRE(std::is_same_v<first_channels<3>, only_channels<0, 1, 2>>);
  CHECK(only_channels<0, 10, 205>::name == "only_channels_0_10_205");
  CHECK_THROWS_WITH((only_channels<3, 1>{}.apply(ctx, random_image({2, 2, 3}, 1))),
                    Catch::Contains("only_channels_3_1: the image has 3 channel(s)"));
}

TEST_CASE("a chain accepts the channels that each of its policies accepts of the one before", "[preprocess]") {
  using second_of_first_two = chain<first_channels<2>, only_channels<1>, percentile>;
  CHECK_FALSE(accepts_channels<second_of_first_two>(1));
  CHECK(accepts_channels<second_of_first_two>(2));
  CHECK(accepts_channels<second_of_first_two>(7));
  CHECK_FALSE((accepts_channels<chain<first_channels<2>, only_channels<2>>>(7)));
  CHECK(accepts_channels<percentile>(5));
  CHECK(second_of_first_two::channels_out(7) == 1);
  context<cpu> ctx(1);
  const tensor<float> pixels = random_image({5, 7, 4}, 2);
  const tensor<float> out = second_of_first_two{}.apply(ctx, pixels, {});
  CHECK(out.shape() == shape{5, 7, 1});
}

}  // namespace aixcell
