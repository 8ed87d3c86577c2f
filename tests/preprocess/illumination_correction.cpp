#include <aixcell/preprocess/flat_field.hpp>
#include <aixcell/preprocess/illumination_correction.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

namespace {

/// Light with a bright spot and a dark corner, which no polynomial of degree 2 describes.
double lamp(index_t y, index_t x) {
  const double dy = static_cast<double>(y) / 60 - 0.4, dx = static_cast<double>(x) / 80 - 0.6;
  return 0.4 + std::exp(-3 * (dy * dy + dx * dx)) + (y < 15 && x < 15 ? -0.15 : 0);
}

/// Fields of view [60,80,1] of one microscope: dense random cells, no background to speak of.
examples_in_memory plate(int images) {
  examples_in_memory all;
  for (int n = 0; n < images; ++n) {
    tensor<float> pixels = random_image({60, 80, 1}, static_cast<std::uint64_t>(n), 20, 200);
    for (index_t y = 0; y < 60; ++y)
      for (index_t x = 0; x < 80; ++x) pixels(y, x, 0) *= static_cast<float>(lamp(y, x) * (1 + n % 3));
    all.add(pixels, label_map({60, 80}));
  }
  return all;
}

}  // namespace

TEST_CASE("illumination_correction takes any image and keeps its mean light", "[preprocess]") {
  check_policy(illumination_correction{}, {});
  context<cpu> ctx(1);
  tensor<float> shaded({100, 120, 2});
  for (index_t y = 0; y < 100; ++y)
    for (index_t x = 0; x < 120; ++x)
      for (index_t c = 0; c < 2; ++c) shaded(y, x, c) = static_cast<float>(50 + x) * (c == 0 ? 1.0f : 100.0f);
  const tensor<float> out = illumination_correction{}.apply(ctx, shaded);
  for (index_t c = 0; c < 2; ++c) {
    float low = 1e9f, high = 0;
    double before = 0, after = 0;
    for (index_t i = c; i < out.size(); i += 2) {
      low = std::min(low, out[i]), high = std::max(high, out[i]);
      before += static_cast<double>(shaded[i]), after += static_cast<double>(out[i]);
    }
    CHECK(high / low < 1.08f);  // was 3.4
    CHECK(after / before == Approx(1).epsilon(0.02));
  }
}

TEST_CASE("flat_field learns the light of an instrument from many images", "[preprocess]") {
  context<cpu> ctx(3), serial(1);
  const flat_field policy;
  const auto state = policy.fit(ctx, plate(60));
  CHECK(state == policy.fit(serial, plate(60)));
  CHECK(state.rows == 60);
  CHECK(state.columns == 64);
  REQUIRE(state.field.size() == 60 * 64);
  CHECK(member_names(state) == std::vector<std::string>{"rows", "columns", "field"});
  tensor<float> even({60, 80, 1});
  for (index_t y = 0; y < 60; ++y)
    for (index_t x = 0; x < 80; ++x) even(y, x, 0) = static_cast<float>(lamp(y, x));
  double before = 0, after = 0, mean_before = 0, mean_after = 0;
  const tensor<float> out = policy.apply(ctx, even, state);
  for (index_t i = 0; i < out.size(); ++i)
    mean_before += static_cast<double>(even[i]) / 4800, mean_after += static_cast<double>(out[i]) / 4800;
  for (index_t i = 0; i < out.size(); ++i) {
    before += std::pow(static_cast<double>(even[i]) / mean_before - 1, 2) / 4800;
    after += std::pow(static_cast<double>(out[i]) / mean_after - 1, 2) / 4800;
  }
  CHECK(std::sqrt(before) > 0.2);
  CHECK(std::sqrt(after) < 0.03);
  // The field belongs to the field of view, whatever its sampling.
  CHECK(policy.apply(ctx, tensor<float>({31, 47, 1}), state).shape() == shape{31, 47, 1});
}

TEST_CASE("flat_field of odd, dark and unlike images", "[preprocess]") {
  context<cpu> ctx(1);
  const flat_field policy;
  for (const shape& size : odd_shapes) {
    examples_in_memory training;
    for (const std::uint64_t seed : {1u, 2u}) training.add(random_image(size, seed), label_map({size[0], size[1]}));
    training.add(tensor<float>(size), label_map({size[0], size[1]}));  // black: no vote
    const tensor<float> out = policy.apply(ctx, random_image(size, 5), policy.fit(ctx, training));
    CHECK(out.shape() == size);
    for (const float v : out) REQUIRE(std::isfinite(v));
  }
  examples_in_memory black;
  black.add(tensor<float>({5, 6, 1}), label_map({5, 6}));
  const tensor<float> pixels = random_image({5, 6, 1}, 2), out = policy.apply(ctx, pixels, policy.fit(ctx, black));
  for (index_t i = 0; i < out.size(); ++i) CHECK(out[i] == Approx(pixels[i]));
  CHECK_THROWS_AS(policy.fit(ctx, examples_in_memory{}), data_error);
  CHECK_THROWS_AS(policy.apply(ctx, random_image({5, 6, 2}, 1), policy.fit(ctx, black)), shape_error);
  CHECK_THROWS_AS(policy.apply(ctx, pixels, flat_field::state{}), shape_error);
  black.add(tensor<float>({6, 6, 1}), label_map({6, 6}));
  CHECK_THROWS_WITH(policy.fit(ctx, black), Catch::Contains("take images of one size, or illumination_correction"));
}

}  // namespace aixcell
