#include <aixcell/losses/masked_l2.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

double plain_masked_l2(const arrangement& a) {
  double sum = 0, total = 0;
  for (index_t i = 0; i < pixels_of(a); ++i) {
    total += plain_weight(a, i);
    for (int c = 0; c < a.channels.count; ++c) {
      const double d = a.output[i * a.output.extent(3) + a.channels.first + c] - plain_target(a, i, c);
      sum += plain_weight(a, i) * d * d;
    }
  }
  return total > 0 ? a.scale * sum / (total * a.channels.count) : 0;
}

}  // namespace

TEST_CASE("masked_l2: by hand; a target without weight may be anything") {
  arrangement a{.output = tensor<double>({1, 1, 3, 1}), .target = tensor<float>({1, 1, 3, 2}), .weight_channel = 1};
  a.output[0] = 4, a.output[1] = -1, a.output[2] = 7;
  a.target[0] = 3, a.target[2] = 1, a.target[4] = NAN;
  a.target[1] = 1, a.target[3] = 3, a.target[5] = -1;
  const auto found = evaluate(masked_l2{}, a);
  CHECK(found.loss == Approx((1 * 1 + 4 * 3) / 4.0));
  CHECK(found.gradient == std::vector<double>{2 * 1 / 4.0, 2 * -2 * 3 / 4.0, 0});
}

TEST_CASE("masked_l2: value and gradient on odd sizes") {
  for (const int channels : {1, 2, 5})
    for (const placed& at : placements(channels))
      for (const int weight_channel : {-1, channels}) {
        arrangement a{.output = random_logits(at.output, 41), .target = random_probabilities(at.output, channels, 5)};
        a.channels = at.channels;
        a.weight_channel = weight_channel;
        a.scale = 0.2;
        CAPTURE(to_string(at.output), channels, weight_channel);
        CHECK(evaluate(masked_l2{}, a).loss == Approx(plain_masked_l2(a)).epsilon(1e-12).margin(1e-14));
        CHECK(gradient_error(masked_l2{}, a) <= 1e-6);
        CHECK(float_error(masked_l2{}, a) <= 1e-3);
      }
}

TEST_CASE("masked_l2: no weight is 0; threads do not matter") {
  const shape s{1, 101, 103, 2};
  arrangement a{random_logits(s, 1), random_probabilities(s, 2, 2), {0, 2}, 0, 2};
  CHECK(same_for_any_threads(masked_l2{}, a));
  for (index_t i = 2; i < a.target.size(); i += 3) a.target[i] = -1;
  CHECK(evaluate(masked_l2{}, a).loss == 0);
  CHECK(largest(evaluate(masked_l2{}, a).gradient) == 0);
}
