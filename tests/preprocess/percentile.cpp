#include <aixcell/preprocess/percentile.hpp>
#include "preprocess/examples.hpp"

namespace aixcell {

namespace {
/// numpy.percentile, method "linear".
double plain_percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double at = percent / 100 * static_cast<double>(values.size() - 1), below = std::floor(at);
  const auto i = static_cast<std::size_t>(below);
  return i + 1 == values.size() ? values[i] : values[i] + (at - below) * (values[i + 1] - values[i]);
}
}  // namespace

TEST_CASE("percentile_of equals NumPy's", "[preprocess]") {
  std::vector<float> four{4, 1, 3, 2};
  CHECK(percentile_of(four, 0) == 1);
  CHECK(percentile_of(four, 50) == 2.5f);
  CHECK(percentile_of(four, 40) == Approx(2.2f));
  CHECK(percentile_of(four, 100) == 4);
  random_stream random(5);
  for (const std::size_t n : {1u, 2u, 3u, 17u, 500u})
    for (const double percent : {0.0, 1.0, 12.5, 50.0, 99.8, 100.0}) {
      std::vector<float> values(n);
      for (float& v : values) v = std::round(random.normal() * 20);  // ties
      const double expected = plain_percentile({values.begin(), values.end()}, percent);
      CAPTURE(n, percent);
      CHECK(static_cast<double>(percentile_of(values, percent)) == Approx(expected).margin(1e-5));
    }
}

TEST_CASE("percentile maps its percentiles to 0 and 1, channel by channel", "[preprocess]") {
  context<cpu> ctx;
  const percentile policy{.low = 10, .high = 90};
  check_policy(policy, {});
  tensor<float> pixels = random_image({31, 29, 3}, 1);
  for (index_t i = 1; i < pixels.size(); i += 3) pixels[i] = 1000 * pixels[i] - 5;
  const tensor<float> out = policy.apply(ctx, pixels);
  for (index_t c = 0; c < 3; ++c) {
    std::vector<double> in;
    for (index_t i = c; i < pixels.size(); i += 3) in.push_back(static_cast<double>(pixels[i]));
    const double low = plain_percentile(in, 10), high = plain_percentile(in, 90);
    double worst = 0;
    for (std::size_t p = 0; p < in.size(); ++p)
      worst = std::max(
          worst, std::abs((in[p] - low) / (high - low) - static_cast<double>(out[3 * static_cast<index_t>(p) + c])));
    CHECK(worst < 1e-5);
  }
}

TEST_CASE("percentile: whole numbers as cameras give them, many pixels, any number of threads", "[preprocess][cpu]") {
  for (const float fraction : {0.0f, 0.25f})
    for (const index_t channels : {1, 3}) {
      tensor<float> pixels = random_image({211, 401, channels}, 8, 0, 70000);
      for (float& v : pixels) v = std::min(65535.0f, std::round(v)) + fraction;
      context<cpu> serial(1), parallel(2);
      const tensor<float> found = percentile{}.apply(serial, pixels), same = percentile{}.apply(parallel, pixels);
      REQUIRE(std::equal(found.begin(), found.end(), same.begin()));
      for (index_t c = 0; c < channels; ++c) {
        std::vector<double> in;
        for (index_t i = c; i < pixels.size(); i += channels) in.push_back(static_cast<double>(pixels[i]));
        const double low = plain_percentile(in, 1), high = plain_percentile(in, static_cast<double>(99.8f));
        double worst = 0;
        for (std::size_t p = 0; p < in.size(); ++p)
          worst = std::max(worst, std::abs((in[p] - low) / (high - low) -
                                           static_cast<double>(found[channels * static_cast<index_t>(p) + c])));
        CHECK(worst < 1e-6);
      }
    }
}

TEST_CASE("percentile: constant and sparse channels, percentages out of order", "[preprocess]") {
  context<cpu> ctx;
  tensor<float> pixels({20, 20, 2});
  pixels.fill(7);
  pixels(3, 3, 1) = 17;  // the only bright pixel lies above the high percentile
  const tensor<float> out = percentile{.low = 1, .high = 99}.apply(ctx, pixels);
  for (index_t p = 0; p < 400; ++p) REQUIRE(out[2 * p] == 0);
  CHECK(out(3, 3, 1) == 1);
  CHECK(out(3, 4, 1) == 0);
  for (const percentile& bad : {percentile{.low = 50, .high = 50}, percentile{.low = -1, .high = 50},
                                percentile{.low = 1, .high = 101}, percentile{.low = NAN, .high = 99}})
    CHECK_THROWS_AS(bad.apply(ctx, pixels), data_error);
}

TEST_CASE("fitted_percentile: the percentiles of all pixels of all images of the training split", "[preprocess]") {
  context<cpu> ctx(3);
  examples_in_memory training;
  std::vector<double> first, second;
  for (const shape& size : {shape{5, 9, 2}, shape{1, 1, 2}, shape{31, 17, 2}}) {
    tensor<float> pixels = random_image(size, static_cast<std::uint64_t>(size[0]), 10, 300);
    for (index_t i = 0; i < pixels.size(); ++i) (i % 2 ? second : first).push_back(static_cast<double>(pixels[i]));
    training.add(pixels, label_map({size[0], size[1]}));
  }
  const fitted_percentile policy{.low = 2, .high = 97};
  const auto state = policy.fit(ctx, training);
  REQUIRE(state.low.size() == 2);
  CHECK(static_cast<double>(state.low[0]) == Approx(plain_percentile(first, 2)));
  CHECK(static_cast<double>(state.high[0]) == Approx(plain_percentile(first, 97)));
  CHECK(static_cast<double>(state.low[1]) == Approx(plain_percentile(second, 2)));
  CHECK(static_cast<double>(state.high[1]) == Approx(plain_percentile(second, 97)));
  context<cpu> serial(1);
  CHECK(state == fit_preprocess(serial, policy, training));
  CHECK(member_names(state) == std::vector<std::string>{"low", "high"});

  // Twice as bright stays twice as bright: the same map for every image.
  tensor<float> dim({4, 4, 2}), bright({4, 4, 2});
  dim.fill(state.low[0] + 20), bright.fill(state.low[0] + 40);
  CHECK(policy.apply(ctx, bright, state)[0] == Approx(2 * policy.apply(ctx, dim, state)[0]));
  CHECK_THROWS_AS(policy.apply(ctx, random_image({3, 5, 3}, 1), state), shape_error);
  CHECK_THROWS_AS(policy.fit(ctx, examples_in_memory{}), data_error);
  CHECK_THROWS_AS((fitted_percentile{.low = 9, .high = 2}.fit(ctx, training)), data_error);
  training.add(random_image({3, 5, 1}, 1), label_map({3, 5}));
  CHECK_THROWS_AS(policy.fit(ctx, training), data_error);
}

TEST_CASE("fitted_percentile of more pixels than are looked at, and of constant images", "[preprocess]") {
  context<cpu> ctx(1);
  examples_in_memory large, constant;
  std::vector<double> all;
  for (const std::uint64_t seed : {1u, 2u}) {
    large.add(random_image({1100, 1000, 1}, seed), label_map({1100, 1000}));
    for (const float v : large.all.back().picture.pixels) all.push_back(static_cast<double>(v));
    constant.add(tensor<float>({5, 5, 1}), label_map({5, 5}));
  }
  const auto state = fitted_percentile{}.fit(ctx, large);
  CHECK(static_cast<double>(state.low[0]) == Approx(plain_percentile(all, 1)).margin(0.1));
  CHECK(static_cast<double>(state.high[0]) == Approx(plain_percentile(all, 99.8)).margin(0.1));
  for (const float v :
       fitted_percentile{}.apply(ctx, random_image({4, 4, 1}, 1), fitted_percentile{}.fit(ctx, constant)))
    CHECK(v == 0);
}

}  // namespace aixcell
