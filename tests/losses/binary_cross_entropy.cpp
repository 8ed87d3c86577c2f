#include <aixcell/losses/binary_cross_entropy.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

double plain_binary_cross_entropy(const arrangement& a) {
  double sum = 0, total = 0;
  for (index_t i = 0; i < pixels_of(a); ++i)
    for (int c = 0; c < a.channels.count; ++c) {
      const double t = plain_target(a, i, c), w = plain_weight(a, i);
      if (t < 0) continue;
      const double p = 1 / (1 + std::exp(-a.output[i * a.output.extent(3) + a.channels.first + c]));
      sum -= w * (t * std::log(p) + (1 - t) * std::log(1 - p));
      total += w;
    }
  return total > 0 ? a.scale * sum / total : 0;
}

}  // namespace

TEST_CASE("binary_cross_entropy: by hand") {
  arrangement a{.output = tensor<double>({1, 1, 2, 1}), .target = tensor<float>({1, 1, 2, 1})};
  a.target[0] = 1;
  a.target[1] = 0.25f;
  const auto found = evaluate(binary_cross_entropy{}, a);
  CHECK(found.loss == Approx(std::log(2.0)));
  CHECK(found.gradient[0] == Approx(-0.25));
  CHECK(found.gradient[1] == Approx(0.125));
}

TEST_CASE("binary_cross_entropy: value and gradient on odd sizes, with weights and unknown values") {
  for (const int channels : {1, 2, 5})
    for (const placed& at : placements(channels))
      for (const int weight_channel : {-1, channels}) {
        arrangement a{.output = random_logits(at.output, 33), .target = random_probabilities(at.output, channels, 5)};
        a.channels = at.channels;
        a.weight_channel = weight_channel;
        a.scale = 0.7;
        CAPTURE(to_string(at.output), channels, weight_channel);
        CHECK(evaluate(binary_cross_entropy{}, a).loss == Approx(plain_binary_cross_entropy(a)).epsilon(1e-11).margin(1e-14));
        CHECK(gradient_error(binary_cross_entropy{}, a) <= 1e-6);
        CHECK(float_error(binary_cross_entropy{}, a) <= 1e-3);
      }
}

TEST_CASE("binary_cross_entropy: large logits stay finite") {
  arrangement a{.output = tensor<double>({1, 1, 2, 1}), .target = tensor<float>({1, 1, 2, 1})};
  a.output[0] = 3000;
  a.output[1] = -3000;
  a.target[1] = 1;
  const auto found = evaluate<float>(binary_cross_entropy{}, a);
  CHECK(found.loss == Approx(3000));
  CHECK(found.gradient == std::vector<float>{0.5f, -0.5f});
}

TEST_CASE("binary_cross_entropy: nothing known is 0; threads do not matter; channels are checked") {
  const shape s{1, 101, 103, 2};
  arrangement a{random_logits(s, 1), random_probabilities(s, 2, 2), {0, 2}};
  CHECK(same_for_any_threads(binary_cross_entropy{}, a));
  a.target_channel = 2;  // would need a fourth channel
  CHECK_THROWS_AS(evaluate(binary_cross_entropy{}, a), shape_error);
  a.target_channel = 0;
  a.target.fill(-1);
  CHECK(evaluate(binary_cross_entropy{}, a).loss == 0);
  CHECK(largest(evaluate(binary_cross_entropy{}, a).gradient) == 0);
}
