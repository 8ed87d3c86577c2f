#include <aixcell/kernels/cpu/h_maxima.hpp>

#include <set>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

constexpr index_t ways[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};

/// Pixels that one reaches from `from` over pixels that are not below `level` and above `least`.
std::set<index_t> reached(const tensor<float>& f, index_t from, float level, float least) {
  const index_t height = f.extent(0), width = f.extent(1);
  std::set<index_t> seen{from};
  std::vector<index_t> open{from};
  while (!open.empty()) {
    const index_t p = open.back(), i = p / width, j = p % width;
    open.pop_back();
    for (const auto& [y, x] : ways) {
      if (i + y < 0 || i + y >= height || j + x < 0 || j + x >= width) continue;
      const index_t q = p + y * width + x;
      if (f[q] >= level && f[q] > least && seen.insert(q).second) open.push_back(q);
    }
  }
  return seen;
}

/// By the definition: around a summit, all that is within h of it, unless there is anything higher.
std::set<std::set<index_t>> regions_by_definition(const tensor<float>& f, const h_maxima_options& o) {
  std::set<std::set<index_t>> all;
  for (index_t p = 0; p < f.size(); ++p) {
    if (!(f[p] > o.least)) continue;
    const std::set<index_t> region = reached(f, p, f[p] - o.depth, o.least);
    if (std::none_of(region.begin(), region.end(), [&](index_t q) { return f[q] > f[p]; })) all.insert(region);
  }
  return all;
}

}  // namespace

TEST_CASE("h_maxima are the regions of their definition", "[kernels]") {
  random_stream random(3);
  for (const shape size : {shape{1, 1}, shape{1, 30}, shape{30, 1}, shape{13, 17}, shape{24, 21}})
    for (const int steps : {2, 8, 1000})
      for (const float depth : {0.0f, 0.1f, 0.5f}) {
        tensor<float> f(size);
        for (float& v : f) v = static_cast<float>(random.below(steps)) / static_cast<float>(steps);
        const h_maxima_options options{.depth = depth, .least = 0.2f};
        label_map found(size);
        found.fill(77);
        const index_t count = h_maxima(f, options, found);
        std::vector<std::set<index_t>> regions(static_cast<std::size_t>(count));
        for (index_t p = 0; p < f.size(); ++p)
          if (found[p] > 0) regions.at(static_cast<std::size_t>(found[p] - 1)).insert(p);
        CAPTURE(size[0], size[1], steps, depth);
        CHECK(std::set<std::set<index_t>>(regions.begin(), regions.end()) == regions_by_definition(f, options));
        for (std::size_t k = 1; k < regions.size(); ++k) {  // the highest comes first
          const auto top = [&](const std::set<index_t>& r) {
            float most = 0;
            for (const index_t p : r) most = std::max(most, f[p]);
            return most;
          };
          CHECK(top(regions[k - 1]) >= top(regions[k]));
        }
      }
}

TEST_CASE("h_maxima: nothing there, nothing finite, wrong sizes", "[kernels]") {
  tensor<float> f({4, 5});
  label_map labels({4, 5});
  CHECK(h_maxima(f, {}, labels) == 0);
  f.fill(std::nanf(""));
  CHECK(h_maxima(f, {}, labels) == 0);
  f[7] = INFINITY;
  CHECK(h_maxima(f, {}, labels) == 1);
  CHECK(labels[7] == 1);
  label_map none({0, 5});
  CHECK(h_maxima(tensor<float>({0, 5}), {}, none) == 0);
  CHECK_THROWS_AS(h_maxima(tensor<float>({4, 4}), {}, labels), shape_error);
}

}  // namespace aixcell::test
