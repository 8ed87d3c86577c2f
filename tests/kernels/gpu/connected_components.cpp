#include <aixcell/kernels/gpu/connected_components.hpp>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

/// Flood fill, in the order of the first pixels. Returns how many parts there are.
std::int32_t flood(const shape& s, connectivity kind, tensor<std::int32_t>& labels, auto&& is_set, auto&& are_one) {
  std::int32_t next = 0;
  std::vector<index_t> todo;
  for (index_t first = 0; first < s.count(); ++first) {
    if (!is_set(first) || labels[first]) continue;
    labels[first] = ++next;
    todo.assign(1, first);
    while (!todo.empty()) {
      const index_t p = todo.back(), i = p / s[1], j = p % s[1];
      todo.pop_back();
      for (index_t di = -1; di <= 1; ++di)
        for (index_t dj = -1; dj <= 1; ++dj) {
          const index_t q = p + di * s[1] + dj;
          if (i + di < 0 || i + di >= s[0] || j + dj < 0 || j + dj >= s[1]) continue;
          if (kind == connectivity::four && di * dj != 0) continue;
          if (!is_set(q) || !are_one(p, q) || labels[q]) continue;
          labels[q] = next;
          todo.push_back(q);
        }
    }
  }
  return next;
}

}  // namespace

TEST_CASE("gpu: connected components are numbered as a flood fill numbers them", "[kernels][gpu]") {
  std::vector<shape> sizes{{0, 5}, {1, 1}, {1, 300}, {300, 1}, {17, 33}};
  if (unhurried()) sizes.push_back({61, 67});
  for (const shape& s : sizes)
    for (const double chance : {0.0, 0.35, 0.55, 1.0})
      for (const connectivity kind : {connectivity::four, connectivity::eight}) {
        CAPTURE(to_string(s), chance, static_cast<int>(kind));
        const auto mask = random_mask(s, chance, 3);
        tensor<std::int32_t> expected(s), expected_parts(s), classes(s);
        for (index_t i = 0; i < mask.size(); ++i) classes[i] = mask[i] == 3 ? -1 : mask[i];
        const auto count = flood(
            s, kind, expected, [&](index_t i) { return mask[i] != 0; }, [](index_t, index_t) { return true; });
        const auto parts = flood(
            s, kind, expected_parts, [&](index_t i) { return classes[i] > 0; },
            [&](index_t i, index_t j) { return classes[i] == classes[j]; });
        on_every_device([&](auto& ctx) {
          const auto on = to_device(ctx, mask);
          const auto on_classes = to_device(ctx, classes);
          device_tensor<std::int32_t> labels(ctx, s), number(ctx, {1});
          connected_components(ctx, on, kind, labels, number);
          CHECK(to_host(ctx, number)[0] == count);
          CHECK(same_values(to_host(ctx, labels), expected));
          connected_parts(ctx, on_classes, kind, labels, number);
          CHECK(to_host(ctx, number)[0] == parts);
          CHECK(same_values(to_host(ctx, labels), expected_parts));
        });
      }
}

TEST_CASE("gpu: many seeds of interrupted threads give the same components", "[kernels][gpu]") {
  const shape s{24, 40};
  const auto mask = random_mask(s, 0.5, 9);
  tensor<std::int32_t> expected(s);
  flood(
      s, connectivity::eight, expected, [&](index_t i) { return mask[i] != 0; }, [](index_t, index_t) { return true; });
  const int seeds = unhurried() ? 20 : 3;
  for (int seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    auto ctx = fuzzed_device(static_cast<std::uint64_t>(seed));
    device_tensor<std::int32_t> labels(ctx, s), number(ctx, {1});
    connected_components(ctx, to_device(ctx, mask), connectivity::eight, labels, number);
    CHECK(same_values(to_host(ctx, labels), expected));
  }
}

}  // namespace aixcell
