#include <aixcell/preprocess/colour_deconvolution.hpp>
#include <aixcell/preprocess/stain_separation.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

namespace {

using detail::normalised;
using detail::stain;

/// Light that passes amounts of two stains, by Beer and Lambert: what colour_deconvolution must undo.
tensor<float> mixed(const tensor<float>& amounts, const std::array<stain, 2>& stains, double white) {
  tensor<float> rgb({amounts.extent(0), amounts.extent(1), 3});
  for (index_t p = 0; p < rgb.size() / 3; ++p)
    for (std::size_t c = 0; c < 3; ++c) {
      double density = 0;
      for (std::size_t s = 0; s < 2; ++s)
        density += static_cast<double>(amounts[2 * p + static_cast<index_t>(s)]) * stains[s][c];
      rgb[3 * p + static_cast<index_t>(c)] = static_cast<float>((white + 1) * std::pow(10.0, -density) - 1);
    }
  return rgb;
}

/// Amounts [h,w,2] of which each pixel has mostly one.
tensor<float> some_amounts(const shape& size, std::uint64_t seed) {
  random_stream random(seed);
  tensor<float> amounts({size[0], size[1], 2});
  for (index_t p = 0; p < amounts.size() / 2; ++p) {
    const float share = random.uniform();
    amounts[2 * p] = share * random.uniform(0.2f, 0.9f);
    amounts[2 * p + 1] = (1 - share) * random.uniform(0.2f, 0.9f);
  }
  return amounts;
}

template <stains S>
void check_round_trip(const stain& first, const stain& second) {
  context<cpu> ctx(2);
  for (const double white : {255.0, 65535.0}) {
    const tensor<float> amounts = some_amounts({21, 17}, 3);
    tensor<float> rgb = mixed(amounts, {normalised(first), normalised(second)}, white);
    if (white > 255) rgb[0] = 300;  // an image of 16 bits is known by one value
    const tensor<float> found = colour_deconvolution<S>{}.apply(ctx, rgb);
    for (index_t p = 1; p < found.size() / 3; ++p) {
      REQUIRE(found[3 * p] == Approx(amounts[2 * p]).margin(1e-4));
      REQUIRE(found[3 * p + 1] == Approx(amounts[2 * p + 1]).margin(1e-4));
      REQUIRE(found[3 * p + 2] == Approx(0).margin(1e-4));
    }
  }
}

double angle_between(const std::vector<float>& found, std::size_t at, const stain& expected) {
  const stain one{static_cast<double>(found[at]), static_cast<double>(found[at + 1]),
                  static_cast<double>(found[at + 2])};
  return std::acos(std::min(1.0, detail::dot(normalised(one), normalised(expected)))) * 180 / 3.14159265358979;
}

}  // namespace

TEST_CASE("colour_deconvolution undoes the mixing of known stains", "[preprocess]") {
  check_policy(colour_deconvolution<stains::haematoxylin_eosin>{}, {});
  check_policy(colour_deconvolution<stains::haematoxylin_dab>{}, {});
  check_policy(colour_deconvolution<stains::haematoxylin_eosin_dab>{}, {});
  check_round_trip<stains::haematoxylin_eosin>({0.65, 0.70, 0.29}, {0.07, 0.99, 0.11});
  check_round_trip<stains::haematoxylin_dab>({0.65, 0.70, 0.29}, {0.27, 0.57, 0.78});
  check_round_trip<stains::haematoxylin_eosin_dab>({0.65, 0.70, 0.29}, {0.07, 0.99, 0.11});
}

TEST_CASE("colour_deconvolution of white, black and gray is finite, of gray images refused", "[preprocess]") {
  context<cpu> ctx(1);
  const colour_deconvolution<stains::haematoxylin_eosin> policy;
  tensor<float> rgb({1, 4, 3});
  for (index_t i = 0; i < 12; ++i) rgb[i] = i < 3 ? 255.0f : i < 6 ? 0.0f : i < 9 ? 100.0f : -40.0f;
  const tensor<float> found = policy.apply(ctx, rgb);
  for (const float v : found) CHECK(std::isfinite(v));
  for (index_t i = 0; i < 3; ++i) CHECK(found[i] == Approx(0).margin(1e-6));
  for (index_t i = 3; i < 6; ++i) CHECK(found[i] == found[i + 6]);  // below black is black
  CHECK_THROWS_WITH(policy.apply(ctx, tensor<float>({2, 2, 1})),
                    Catch::Contains("expected red, green and blue, found 1"));
  CHECK_FALSE(accepts_channels<colour_deconvolution<stains::haematoxylin_dab>>(4));
}

TEST_CASE("eigenvectors are those of the matrix, the greatest value first", "[preprocess]") {
  random_stream random(1);
  for (int n = 0; n < 20; ++n) {
    std::array<stain, 3> a{};
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j <= i; ++j) a[i][j] = a[j][i] = n == 0 ? 0 : static_cast<double>(random.uniform(-2, 2));
    const auto vectors = detail::eigenvectors(a);
    double before = 1e9;
    for (const stain& v : vectors) {
      const stain image{detail::dot(a[0], v), detail::dot(a[1], v), detail::dot(a[2], v)};
      const double value = detail::dot(image, v);
      CHECK(detail::dot(v, v) == Approx(1));
      for (std::size_t k = 0; k < 3; ++k) CHECK(image[k] == Approx(value * v[k]).margin(1e-9));
      CHECK(value <= before + 1e-12);
      before = value;
    }
  }
}

TEST_CASE("stain_separation finds the stains that the training images were mixed of", "[preprocess]") {
  context<cpu> ctx(2), serial(1);
  const std::array<stain, 2> used{normalised({0.55, 0.75, 0.35}), normalised({0.15, 0.90, 0.30})};
  examples_in_memory training;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    tensor<float> rgb = mixed(some_amounts({60, 50}, seed), used, 255);
    for (float& v : rgb) v = std::round(v);
    for (index_t i = 0; i < 900; ++i) rgb[i] = 250;  // empty glass
    training.add(rgb, label_map({60, 50}));
  }
  // Gray images stored as RGB have no vote.
  tensor<float> gray({40, 40, 3});
  for (index_t i = 0; i < gray.size(); ++i) gray[i] = static_cast<float>(20 + i / 3 % 200);
  training.add(gray, label_map({40, 40}));
  const stain_separation policy;
  const auto state = policy.fit(ctx, training);
  REQUIRE(state.stains.size() == 6);
  CHECK(angle_between(state.stains, 0, used[0]) < 3);
  CHECK(angle_between(state.stains, 3, used[1]) < 3);
  CHECK(state == policy.fit(serial, training));
  CHECK(member_names(state) == std::vector<std::string>{"stains"});
  check_policy(policy, state);
  const tensor<float> amounts = some_amounts({30, 30}, 9);
  const tensor<float> found = policy.apply(ctx, mixed(amounts, used, 255), state);
  for (index_t p = 0; p < 900; ++p) {
    REQUIRE(found[3 * p] == Approx(amounts[2 * p]).margin(0.1));
    REQUIRE(found[3 * p + 1] == Approx(amounts[2 * p + 1]).margin(0.1));
  }
}

TEST_CASE("stain_separation without two colours takes haematoxylin and eosin", "[preprocess]") {
  context<cpu> ctx(1);
  const stain_separation policy;
  const auto fitted_on = [&](const tensor<float>& rgb) {
    examples_in_memory training;
    training.add(rgb, label_map({rgb.extent(0), rgb.extent(1)}));
    return policy.fit(ctx, training);
  };
  tensor<float> gray({40, 40, 3}), white({40, 40, 3}), one_stain({40, 40, 3}), pixel({1, 1, 3});
  for (index_t i = 0; i < gray.size(); ++i) {
    gray[i] = static_cast<float>(i / 3 % 250);
    white[i] = 255;
    one_stain[i] =
        256 * std::pow(0.1f, (0.2f + 0.003f * static_cast<float>(i / 3 % 200)) * (i % 3 == 1 ? 0.9f : 0.3f)) - 1;
  }
  for (const tensor<float>* rgb : {&gray, &white, &one_stain, &pixel}) {
    const auto state = fitted_on(*rgb);
    CHECK(angle_between(state.stains, 0, detail::haematoxylin) < 1e-2);
    CHECK(angle_between(state.stains, 3, detail::eosin) < 1e-2);
    for (const float v : policy.apply(ctx, *rgb, state)) REQUIRE(std::isfinite(v));
  }
  CHECK_THROWS_AS(policy.fit(ctx, examples_in_memory{}), data_error);
  CHECK_THROWS_AS(fitted_on(tensor<float>({4, 4, 1})), shape_error);
  CHECK_THROWS_AS(policy.apply(ctx, gray, stain_separation::state{}), shape_error);
}

}  // namespace aixcell
