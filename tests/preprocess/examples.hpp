#pragma once
// Images of odd sizes, and examples in memory to fit on.
#include <cmath>
#include <string>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/preprocess/apply.hpp>
#include "support/catch.hpp"

namespace aixcell {

inline const std::vector<shape> odd_shapes{{1, 1, 1},   {1, 7, 1}, {7, 1, 2},  {3, 5, 4},
                                           {33, 41, 2}, {1, 1, 3}, {19, 23, 3}};

inline tensor<float> random_image(const shape& size, std::uint64_t seed, float low = 0, float high = 255) {
  random_stream random(seed);
  tensor<float> pixels(size);
  for (float& v : pixels) v = random.uniform(low, high);
  return pixels;
}

class examples_in_memory final : public example_source {
 public:
  std::vector<example> all;

  index_t size() const override { return static_cast<index_t>(all.size()); }
  example load(index_t i) const override { return all[static_cast<std::size_t>(i)]; }

  void add(tensor<float> pixels, label_map labels) {
    example e;
    e.picture.pixels = std::move(pixels);
    e.truth.labels = std::move(labels);
    all.push_back(std::move(e));
  }
};

/// Squares with these edges, side by side, in one label map 40 pixels high.
inline label_map squares(const std::vector<index_t>& edges) {
  label_map labels({40, 40 * static_cast<index_t>(edges.size())});
  for (std::size_t n = 0; n < edges.size(); ++n)
    for (index_t i = 0; i < edges[n]; ++i)
      for (index_t j = 0; j < edges[n]; ++j)
        labels(i, 40 * static_cast<index_t>(n) + j) = static_cast<std::int32_t>(10 * n + 3);
  return labels;
}

/// Diameter of the disc as large as a square.
inline double disc_diameter(double edge) { return 2 * edge / std::sqrt(3.14159265358979); }

/// Names that a state shows to a checkpoint, in order.
template <class State>
std::vector<std::string> member_names(State state) {
  std::vector<std::string> names;
  State::for_each_member(state, [&](std::string_view name, auto&) { names.emplace_back(name); });
  return names;
}

/// Odd shapes pass, the channels are those promised, the input stays as it was, any number of threads gives the same
/// bits; empty images, wrong ranks, NaN and infinity are refused with one line, as are images of a number of channels that
/// the policy does not accept.
template <class P>
void check_policy(const P& policy, const fitted_state_t<P>& state) {
  context<cpu> ctx(1), four(4);
  for (const shape& size : odd_shapes) {
    CAPTURE(to_string(size));
    const tensor<float> pixels = random_image(size, 3), before = pixels.clone();
    if (!accepts_channels<P>(static_cast<int>(size[2]))) {
      CHECK_THROWS_AS(apply_preprocess(ctx, policy, state, pixels), shape_error);
      continue;
    }
    const tensor<float> out = apply_preprocess(ctx, policy, state, pixels),
                        again = apply_preprocess(four, policy, state, pixels);
    CHECK(out.extent(2) == P::channels_out(static_cast<int>(size[2])));
    CHECK(std::equal(pixels.begin(), pixels.end(), before.begin()));
    CHECK(out.data() != pixels.data());
    REQUIRE(again.shape() == out.shape());
    CHECK(std::equal(out.begin(), out.end(), again.begin()));
    for (const float v : out) REQUIRE(std::isfinite(v));
    tensor<float> constant(size);
    constant.fill(7);
    for (const float v : apply_preprocess(ctx, policy, state, constant)) REQUIRE(std::isfinite(v));
    for (const float strange : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
      tensor<float> bad = pixels.clone();
      bad[bad.size() - 1] = strange;
      CHECK_THROWS_AS(apply_preprocess(ctx, policy, state, bad), data_error);
    }
  }
  for (const shape& size : {shape{0, 4, 1}, shape{4, 0, 1}, shape{4, 4, 0}, shape{4, 4}, shape{1, 4, 4, 1}})
    CHECK_THROWS_AS(apply_preprocess(ctx, policy, state, tensor<float>(size)), shape_error);
}

}  // namespace aixcell
