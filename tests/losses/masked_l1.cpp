#include <aixcell/losses/masked_l1.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

double plain_masked_l1(const arrangement& a) {
  double sum = 0, total = 0;
  for (index_t i = 0; i < pixels_of(a); ++i) {
    total += plain_weight(a, i);
    for (int c = 0; c < a.channels.count; ++c)
      sum += plain_weight(a, i) *
             std::abs(a.output[i * a.output.extent(3) + a.channels.first + c] - plain_target(a, i, c));
  }
  return total > 0 ? a.scale * sum / (total * a.channels.count) : 0;
}

}  // namespace

TEST_CASE("masked_l1: by hand, and the derivative at 0 is 0") {
  arrangement a{.output = tensor<double>({1, 1, 3, 1}), .target = tensor<float>({1, 1, 3, 2}), .weight_channel = 1};
  a.output[0] = 3, a.output[1] = -1, a.output[2] = 7;
  a.target[0] = 3, a.target[2] = 1, a.target[4] = 100;
  a.target[1] = 1, a.target[3] = 3, a.target[5] = 0;
  const auto found = evaluate(masked_l1{}, a);
  CHECK(found.loss == Approx((0 * 1 + 2 * 3) / 4.0));
  CHECK(found.gradient == std::vector<double>{0, -0.75, 0});
}

TEST_CASE("masked_l1: value and gradient on odd sizes") {
  for (const int channels : {1, 2, 5})
    for (const placed& at : placements(channels))
      for (const int weight_channel : {-1, channels}) {
        arrangement a{.output = random_logits(at.output, 43), .target = random_probabilities(at.output, channels, 5)};
        a.channels = at.channels;
        a.weight_channel = weight_channel;
        a.scale = 0.2;
        CAPTURE(to_string(at.output), channels, weight_channel);
        CHECK(evaluate(masked_l1{}, a).loss == Approx(plain_masked_l1(a)).epsilon(1e-12).margin(1e-14));
        CHECK(gradient_error(masked_l1{}, a) <= 1e-6);
        CHECK(float_error(masked_l1{}, a) <= 1e-3);
      }
}

TEST_CASE("masked_l1: a target without weight may be anything") {
  arrangement a{.output = random_logits({1, 1, 2, 1}, 1), .target = tensor<float>({1, 1, 2, 2}), .weight_channel = 1};
  a.target[0] = NAN, a.target[1] = -1;
  a.target[2] = 5, a.target[3] = 2;
  const auto found = evaluate(masked_l1{}, a);
  CHECK(found.loss == Approx(std::abs(a.output[1] - 5)));
  CHECK(found.gradient[0] == 0);
}

TEST_CASE("masked_l1: no weight is 0; threads do not matter") {
  const shape s{1, 101, 103, 2};
  arrangement a{random_logits(s, 1), random_probabilities(s, 2, 2), {0, 2}, 0, 2};
  CHECK(same_for_any_threads(masked_l1{}, a));
  for (index_t i = 2; i < a.target.size(); i += 3) a.target[i] = -1;
  CHECK(evaluate(masked_l1{}, a).loss == 0);
  CHECK(largest(evaluate(masked_l1{}, a).gradient) == 0);
}
