#include <aixcell/kernels/cpu/ranked_pixels.hpp>

#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>

#include <cmath>
#include <limits>

#include "support/catch.hpp"

namespace aixcell::test {

TEST_CASE("ranked_pixels are those that a stable sort by falling values gives", "[kernels][cpu]") {
  random_stream random(3);
  for (const shape size : {shape{0, 3, 1}, shape{1, 1, 2}, shape{67, 33, 1}, shape{131, 57, 3}})
    for (const float least : {-1e30f, 0.0f, 0.7f}) {
      CAPTURE(to_string(size), least);
      tensor<float> map(size);
      for (float& v : map) v = std::round(random.normal() * 50) / 50;  // ties, and zeros of both signs
      if (map.size() > 9) map[3] = std::numeric_limits<float>::infinity(), map[6] = NAN, map[9] = 1e-40f;
      const index_t channel = size[2] - 1;
      std::vector<std::pair<float, std::uint32_t>> expected;
      for (index_t p = 0; p < size[0] * size[1]; ++p)
        if (map[p * size[2] + channel] > least)
          expected.emplace_back(map[p * size[2] + channel], static_cast<std::uint32_t>(p));
      std::stable_sort(expected.begin(), expected.end(),
                       [](const auto& a, const auto& b) { return a.first > b.first; });
      for (const int threads : {1, 2}) {
        const std::vector<ranked_pixel> found = ranked_pixels(context<cpu>(threads), map, channel, least);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
          REQUIRE(found[i].value == expected[i].first);
          REQUIRE(found[i].pixel == expected[i].second);
        }
      }
    }
  CHECK_THROWS_AS(ranked_pixels(context<cpu>(1), tensor<float>({3, 4}), 0, 0), shape_error);
}

}  // namespace aixcell::test
