#include <aixcell/kernels/cpu/scale_channel.hpp>

#include <vector>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("scale_channel is computed in float64, any number of values apart", "[kernels][cpu]") {
  random_stream random(1);
  for (const index_t count : {0, 1, 7, 15, 33, 70'001})
    for (const index_t step : {1, 3}) {
      CAPTURE(count, step);
      std::vector<float> from(static_cast<std::size_t>(count * step)), to(from.size(), 7.0f), same = to;
      for (float& v : from) v = random.uniform(-1e5f, 1e5f);
      const channel_scale by{12345.678, 1 / 3.0};
      scale_channel(context<cpu>(1), by, from.data(), count, step, to.data());
      scale_channel(context<cpu>(2), by, from.data(), count, step, same.data());
      CHECK(to == same);
      for (std::size_t i = 0; i < from.size(); ++i)
        REQUIRE(to[i] == (i % static_cast<std::size_t>(step) == 0
                              ? static_cast<float>((static_cast<double>(from[i]) - by.offset) * by.factor)
                              : 7.0f));
    }
}

}  // namespace aixcell::test
