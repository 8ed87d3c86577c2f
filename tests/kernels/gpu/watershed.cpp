#include <aixcell/kernels/gpu/watershed.hpp>
#include <aixcell/kernels/cpu/watershed.hpp>
#include <queue>
#include "label_images.hpp"
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

struct scene {
  tensor<float> landscape;
  tensor<std::uint8_t> mask;
  tensor<std::int32_t> seeds;
};

/// Waves of a wavelength, or flat ground, which is where ties are; a mask with holes, some seeds outside of it.
scene scene_of(const shape& s, double wavelength, int seeds, std::uint64_t seed) {
  random_stream random(seed);
  scene c{tensor<float>(s), random_mask(s, 0.9, seed), tensor<std::int32_t>(s)};
  const double a = static_cast<double>(random.uniform()) * 6, b = static_cast<double>(random.uniform()) * 6;
  for (index_t i = 0; i < s[0]; ++i)
    for (index_t j = 0; j < s[1]; ++j)
      c.landscape(i, j) = wavelength <= 0
                              ? 0.5f
                              : static_cast<float>(0.5 + 0.3 * std::sin(static_cast<double>(i) / wavelength + a) +
                                                   0.3 * std::cos(static_cast<double>(j) / wavelength + b)) +
                                    0.05f * random.uniform();
  for (int k = 1; k <= seeds && s.count() > 0; ++k)
    c.seeds[static_cast<index_t>(static_cast<double>(random.uniform()) * 0.999 * static_cast<double>(s.count()))] = k;
  return c;
}

/// Keys by priority (Dijkstra), then labels along the least (key, position).
tensor<std::int32_t> flooded(const scene& c) {
  const shape& s = c.mask.shape();
  const auto level = [&](index_t p) { return std::clamp(static_cast<int>(c.landscape[p] * 256), 0, 255); };
  using key = std::pair<int, int>;
  const key never{1 << 30, 0};
  std::vector<key> keys(static_cast<std::size_t>(s.count()), never);
  const auto key_of = [&](index_t p) -> key& { return keys[static_cast<std::size_t>(p)]; };
  const auto for_neighbours = [&](index_t p, auto&& f) {
    if (p / s[1] > 0) f(p - s[1]);
    if (p % s[1] > 0) f(p - 1);
    if (p % s[1] + 1 < s[1]) f(p + 1);
    if (p / s[1] + 1 < s[0]) f(p + s[1]);
  };
  const auto from = [&](key k, index_t p) {
    return level(p) > k.first ? key{level(p), 0} : key{k.first, k.second + 1};
  };
  using entry = std::pair<key, index_t>;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> queue;
  for (index_t p = 0; p < s.count(); ++p)
    if (c.mask[p] && c.seeds[p] > 0) queue.push({key_of(p) = {level(p), 0}, p});
  std::vector<index_t> order;
  while (!queue.empty()) {
    const auto [k, p] = queue.top();
    queue.pop();
    if (k != key_of(p)) continue;
    order.push_back(p);
    for_neighbours(p, [&](index_t q) {
      if (c.mask[q] && from(k, q) < key_of(q)) queue.push({key_of(q) = from(k, q), q});
    });
  }
  tensor<std::int32_t> labels(s);
  for (const index_t p : order) {
    index_t parent = p;
    if (c.seeds[p] <= 0) {
      parent = -1;
      for_neighbours(p, [&](index_t q) {
        if (key_of(q) != never && from(key_of(q), p) == key_of(p) && (parent < 0 || key_of(q) < key_of(parent)))
          parent = q;
      });
    }
    labels[p] = parent == p ? c.seeds[p] : labels[parent];
  }
  return labels;
}

}  // namespace

TEST_CASE("gpu: watershed gives the labels of a flood by priority", "[kernels][gpu]") {
  struct image_case {
    shape s;
    double wavelength;
    int seeds;
  };
  std::vector<image_case> images{{{0, 3}, 3, 1}, {{1, 1}, 3, 1}, {{1, 40}, 3, 3}, {{17, 18}, 0, 5}};
  if (unhurried()) images.insert(images.end(), {{{17, 33}, 3, 6}, {{9, 9}, 2, 0}});
  if (unhurried()) images.push_back({{45, 50}, 6, 12});
  for (const image_case& i : images) {
    CAPTURE(to_string(i.s), i.wavelength);
    const scene c = scene_of(i.s, i.wavelength, i.seeds, 4);
    const auto expected = flooded(c);
    on_every_device([&](auto& ctx) {
      const auto landscape = to_device(ctx, c.landscape);
      const auto mask = to_device(ctx, c.mask);
      auto labels = to_device(ctx, c.seeds);
      watershed(ctx, landscape, mask, labels);
      CHECK(same_values(to_host(ctx, labels), expected));
    });
  }
}

TEST_CASE("gpu: watershed differs from the processor's at ties alone", "[kernels][gpu]") {
  context<cpu> host(2);
  index_t pixels = 0, differing = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const scene c = scene_of({64, 64}, 5, 12, seed);
    const auto gpu = flooded(c);  // to which the kernel is equal
    auto processor = c.seeds.clone();
    watershed(host, c.landscape, c.mask, processor);
    bool same_pixels = true;
    for (index_t p = 0; p < gpu.size(); ++p) {
      same_pixels = same_pixels && (gpu[p] > 0) == (processor[p] > 0);
      pixels += gpu[p] > 0;
      differing += gpu[p] != processor[p];
    }
    CHECK(same_pixels);
  }
  INFO(differing << " of " << pixels << " pixels have another label");
  CHECK(differing * 100 < pixels);  // 527 of 73852
}

}  // namespace aixcell
