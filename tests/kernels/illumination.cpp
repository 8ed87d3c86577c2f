#include <aixcell/kernels/cpu/illumination.hpp>

#include <aixcell/core/random.hpp>

#include "support/catch.hpp"

namespace aixcell::test {

namespace {

/// Light that falls off from a place at the upper left; 1 on average, roughly.
double vignette(index_t y, index_t x, const shape& s) {
  const double v = static_cast<double>(2 * y + 1) / static_cast<double>(s[0]) - 1 + 0.2,
               u = static_cast<double>(2 * x + 1) / static_cast<double>(s[1]) - 1 + 0.3;
  return 1.3 * std::exp(-0.4 * (u * u + v * v) + 0.1 * u * v);
}

/// Background with noise, and discs that are `object` times brighter on a share of the area.
tensor<float> scene(const shape& s, double object, int discs, std::uint64_t seed) {
  random_stream random(seed);
  tensor<float> image(s);
  for (float& v : image) v = 100 * (1 + 0.05f * random.normal());
  for (int n = 0; n < discs; ++n) {
    const index_t cy = random.below(s[0]), cx = random.below(s[1]);
    for (index_t y = std::max<index_t>(0, cy - 9); y < std::min(s[0], cy + 10); ++y)
      for (index_t x = std::max<index_t>(0, cx - 9); x < std::min(s[1], cx + 10); ++x)
        if ((y - cy) * (y - cy) + (x - cx) * (x - cx) <= 81)
          for (index_t c = 0; c < s[2]; ++c) image(y, x, c) = static_cast<float>(100 * object);
  }
  return image;
}

struct evenness {
  double bias = 0, spread = 0;  ///< of found / true light, relative, in log
};

evenness compare(const tensor<float>& flat, const tensor<float>& corrected) {
  evenness e;
  for (index_t i = 0; i < flat.size(); ++i) {
    const double d = std::log(static_cast<double>(corrected[i]) / static_cast<double>(flat[i]));
    e.bias += d / static_cast<double>(flat.size());
  }
  for (index_t i = 0; i < flat.size(); ++i) {
    const double d = std::log(static_cast<double>(corrected[i]) / static_cast<double>(flat[i])) - e.bias;
    e.spread = std::max(e.spread, std::abs(d));
  }
  return e;
}

tensor<float> lit(const tensor<float>& flat) {
  tensor<float> image = flat.clone();
  for (index_t y = 0; y < flat.extent(0); ++y)
    for (index_t x = 0; x < flat.extent(1); ++x)
      for (index_t c = 0; c < flat.extent(2); ++c)
        image(y, x, c) *= static_cast<float>(c == 0 ? vignette(y, x, flat.shape()) : 1);
  return image;
}

}  // namespace

TEST_CASE("uneven light is found behind bright, dark and no objects and divided out", "[kernels]") {
  context<cpu> ctx(1), three(3);
  for (const double object : {0.2, 1.0, 8.0})
    for (const shape size : {shape{200, 300, 1}, shape{97, 113, 2}}) {
      CAPTURE(object, to_string(size));
      // A fifth of the area; shading from brightest to darkest is a factor of 3.
      const tensor<float> flat = scene(size, object, static_cast<int>(size[0] * size[1] / 1200), 3), image = lit(flat);
      const illumination light = estimate_illumination(ctx, image);
      CHECK(light.log_light == estimate_illumination(three, image).log_light);
      const tensor<float> corrected = divided_by(three, image, light);
      const evenness before = compare(flat, image), after = compare(flat, corrected);
      CHECK(before.spread > 0.7);
      CHECK(after.spread < 0.08);
      const double darkest = std::exp(-0.4 * (1.3 * 1.3 + 1.2 * 1.2) + 0.1 * 1.3 * 1.2);  // against the brightest
      CHECK(falloff(light) == Approx((1 - darkest) / static_cast<double>(size[2])).margin(0.03));
    }
}

TEST_CASE("light that is even is left alone", "[kernels]") {
  context<cpu> ctx(1);
  const tensor<float> flat = scene({128, 128, 1}, 5, 12, 7);
  const illumination light = estimate_illumination(ctx, flat);
  CHECK(falloff(light) < 0.05);
  CHECK(compare(flat, divided_by(ctx, flat, light)).spread < 0.05);
}

TEST_CASE("estimated light has mean 1 and is 1 where an image says nothing about it", "[kernels]") {
  context<cpu> ctx(1);
  const tensor<float> image = lit(scene({64, 64, 1}, 3, 4, 1));
  const illumination light = estimate_illumination(ctx, image);
  double mean = 0;
  for (index_t i = 0; i < 64; ++i)
    for (index_t j = 0; j < 64; ++j)
      mean += light.at(illumination::coordinate(j, 64), illumination::coordinate(i, 64), 0) / 4096;
  CHECK(mean == Approx(1));

  random_stream random(2);
  for (const shape size : {shape{1, 1, 1}, shape{1, 9, 2}, shape{2, 2, 1}, shape{9, 1, 1}, shape{3, 2, 3}})
    for (const bool constant : {false, true}) {
      tensor<float> small(size);
      for (float& v : small) v = constant ? 7 : random.uniform(1, 255);
      const tensor<float> corrected = divided_by(ctx, small, estimate_illumination(ctx, small));
      for (index_t i = 0; i < small.size(); ++i) {
        REQUIRE(std::isfinite(corrected[i]));
        if (constant) CHECK(corrected[i] == Approx(7));
      }
    }
  tensor<float> dark({70, 80, 1});
  for (const float level : {0.0f, -5.0f}) {
    dark.fill(level);
    dark(3, 4, 0) = 1000;
    CHECK(falloff(estimate_illumination(ctx, dark)) == 0);
    const tensor<float> corrected = divided_by(ctx, dark, estimate_illumination(ctx, dark));
    CHECK(std::equal(dark.begin(), dark.end(), corrected.begin()));
  }
  CHECK_THROWS_AS(estimate_illumination(ctx, tensor<float>({0, 4, 1})), shape_error);
  CHECK_THROWS_AS(estimate_illumination(ctx, tensor<float>({4, 4})), shape_error);
  CHECK_THROWS_AS(divided_by(ctx, tensor<float>({4, 4, 2}), light), shape_error);
}

TEST_CASE("the weighted fit solves its normal equations", "[kernels]") {
  random_stream random(5);
  const illumination::polynomial truth{0.3, -1, 0.5, 2, -0.7, 0.1};
  std::vector<illumination::polynomial> terms;
  std::vector<double> values, weights;
  for (int p = 0; p < 40; ++p) {
    terms.push_back(
        illumination::terms(static_cast<double>(random.uniform(-1, 1)), static_cast<double>(random.uniform(-1, 1))));
    values.push_back(detail::polynomial_at(truth, terms.back()));
    weights.push_back(static_cast<double>(random.uniform(0.1f, 5)));
  }
  values.push_back(1000), weights.push_back(0), terms.push_back(illumination::terms(0, 0));  // of no weight
  const auto found = detail::weighted_fit(terms, values, weights);
  for (std::size_t k = 0; k < 6; ++k) CHECK(found[k] == Approx(truth[k]).margin(1e-4));
}

}  // namespace aixcell::test
