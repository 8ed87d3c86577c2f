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

}  // namespace aixcell
