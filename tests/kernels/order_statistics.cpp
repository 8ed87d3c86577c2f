#include <aixcell/kernels/cpu/order_statistics.hpp>
#include "support/catch.hpp"

#include <array>

#include <aixcell/core/random.hpp>

namespace aixcell {

TEST_CASE("order statistics are those of the sorted values", "[kernels][cpu]") {
  random_stream random(1);
  for (const index_t count : {1, 2, 3, 17, 1000, 70'001})
    for (const index_t step : {1, 3})
      for (const int kind : {0, 1, 2, 3, 4}) {
        CAPTURE(count, step, kind);
        std::vector<float> values(static_cast<std::size_t>(count * step), -1e30f);
        std::vector<float> sorted;
        for (index_t i = 0; i < count; ++i) {
          float v = random.normal();
          if (kind == 1) v = std::round(v * 300 + 1000);  // as of 16-bit images, many equal
          if (kind == 4) v = std::round(v * 300 + 1000) - (i == count / 2 ? 0.5f : 0.0f);  // one that is no such number
          if (kind == 2) v = 7.5f;                                                         // flat
          if (kind == 3) v = std::ldexp(v, static_cast<int>(random.below(80)) - 40);  // every magnitude, both signs
          values[static_cast<std::size_t>(i * step)] = v;
          sorted.push_back(v);
        }
        std::sort(sorted.begin(), sorted.end());
        const std::array<index_t, 5> ranks{0, count / 3, count / 2, std::max<index_t>(0, count - 2), count - 1};
        const std::vector<float> found = order_statistics(values.data(), count, step, ranks);
        REQUIRE(found.size() == ranks.size());
        for (std::size_t r = 0; r < ranks.size(); ++r) CHECK(found[r] == sorted[static_cast<std::size_t>(ranks[r])]);
      }
}

}  // namespace aixcell
