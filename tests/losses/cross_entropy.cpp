#include <aixcell/losses/cross_entropy.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

double plain_cross_entropy(const arrangement& a, const std::vector<float>& class_weights, double smoothing) {
  double sum = 0, total = 0;
  for (index_t i = 0; i < pixels_of(a); ++i) {
    const double t = plain_target(a, i);
    if (t < 0) continue;
    const auto truth = static_cast<std::size_t>(t);
    const double w = plain_weight(a, i) * (class_weights.empty() ? 1.0 : static_cast<double>(class_weights[truth]));
    const std::vector<double> p = plain_softmax(a, i);
    for (std::size_t c = 0; c < p.size(); ++c)
      sum -= w * ((c == truth ? 1 - smoothing : 0.0) + smoothing / static_cast<double>(p.size())) * std::log(p[c]);
    total += w;
  }
  return total > 0 ? a.scale * sum / total : 0;
}

}  // namespace

TEST_CASE("cross_entropy: by hand") {
  // Equal logits of 4 classes: log 4; gradient (p - t) / pixels.
  arrangement a{.output = tensor<double>({1, 1, 2, 4}), .target = tensor<float>({1, 1, 2, 1}), .channels = {0, 4}};
  a.target[1] = 2;
  const auto found = evaluate(cross_entropy{}, a);
  CHECK(found.loss == Approx(std::log(4.0)));
  CHECK(found.gradient[0] == Approx(-0.375));
  CHECK(found.gradient[1] == Approx(0.125));
  CHECK(found.gradient[6] == Approx(-0.375));
}

TEST_CASE("cross_entropy: value and gradient on odd sizes, with weights, smoothing and unknown pixels") {
  for (const int classes : {1, 2, 3, 5})
    for (const placed& at : placements(classes))
      for (const int weight_channel : {-1, 1}) {
        arrangement a{.output = random_logits(at.output, 3), .target = random_classes(at.output, classes, 5)};
        a.channels = at.channels;
        a.weight_channel = weight_channel;
        a.scale = 1.75;
        std::vector<float> weights;
        for (int c = 0; c < classes; ++c) weights.push_back(0.5f + static_cast<float>(c));
        for (const cross_entropy& loss : {cross_entropy{}, cross_entropy{{}, 0.1f}, cross_entropy{weights, 0.0f}}) {
          CAPTURE(to_string(at.output), classes, weight_channel, loss.label_smoothing);
          const double expected = plain_cross_entropy(a, loss.class_weights, static_cast<double>(loss.label_smoothing));
          CHECK(evaluate(loss, a).loss == Approx(expected).epsilon(1e-12).margin(1e-14));
          if (classes > 1) {
            CHECK(gradient_error(loss, a) <= 1e-6);
            CHECK(float_error(loss, a) <= 1e-3);
          }
        }
      }
}

TEST_CASE("cross_entropy: adds to the gradient and leaves other channels and unknown pixels alone") {
  arrangement a{.output = random_logits({1, 2, 3, 4}, 1), .target = tensor<float>({1, 2, 3, 1}), .channels = {1, 2}};
  a.target.fill(1);
  a.target[4] = -1;
  const auto fresh = evaluate(cross_entropy{}, a), added = evaluate(cross_entropy{}, a, 1, 10.0);
  for (std::size_t i = 0; i < fresh.gradient.size(); ++i) {
    CHECK(added.gradient[i] == Approx(10 + fresh.gradient[i]));
    const bool outside = i % 4 == 0 || i % 4 == 3 || i / 4 == 4;
    CHECK((fresh.gradient[i] == 0) == outside);
  }
}

TEST_CASE("cross_entropy: nothing known is 0 without gradient") {
  arrangement a{.output = random_logits({1, 3, 3, 3}, 1), .target = tensor<float>({1, 3, 3, 1}), .channels = {0, 3}};
  a.target.fill(-1);
  auto found = evaluate(cross_entropy{}, a);
  CHECK(found.loss == 0);
  CHECK(largest(found.gradient) == 0);
  a.target.fill(1);
  found = evaluate(cross_entropy{.class_weights = {1, 0, 1}}, a);
  CHECK(found.loss == 0);
  CHECK(largest(found.gradient) == 0);
}

TEST_CASE("cross_entropy: large logits stay finite") {
  arrangement a{.output = tensor<double>({1, 1, 1, 2}), .target = tensor<float>({1, 1, 1, 1}), .channels = {0, 2}};
  a.output[0] = 2000;
  a.output[1] = -2000;
  a.target[0] = 1;
  const auto found = evaluate<float>(cross_entropy{}, a);
  CHECK(found.loss == Approx(4000));
  CHECK(found.gradient[0] == 1.0f);
  CHECK(found.gradient[1] == -1.0f);
}

TEST_CASE("cross_entropy: same bits for any number of threads") {
  const shape s{1, 101, 103, 3};
  CHECK(same_for_any_threads(cross_entropy{}, {random_logits(s, 1), random_classes(s, 3, 2), {0, 3}}));
}

TEST_CASE("cross_entropy: refuses what does not fit before the gradient is touched") {
  arrangement a{.output = random_logits({1, 2, 2, 3}, 1), .target = tensor<float>({1, 2, 2, 1}), .channels = {0, 3}};
  CHECK_THROWS_AS(evaluate(cross_entropy{.class_weights = {1, 1}}, a), shape_error);
  a.target[3] = 3;
  CHECK_THROWS_AS(evaluate(cross_entropy{}, a), data_error);
  a.target[3] = NAN;
  CHECK_THROWS_AS(evaluate(cross_entropy{}, a), data_error);
}

TEST_CASE("cross_entropy: offsets are added to the logits and to nothing else") {
  const std::vector<float> offsets{0.5f, -1.25f, 2.0f};
  arrangement a{.output = random_logits({2, 3, 2, 3}, 3), .target = random_classes({2, 3, 2, 3}, 3, 5)};
  a.channels = {0, 3};
  arrangement shifted{.output = a.output.clone(), .target = a.target};
  shifted.channels = a.channels;
  for (index_t i = 0; i < shifted.output.size(); ++i)
    shifted.output[i] += static_cast<double>(offsets[static_cast<std::size_t>(i % 3)]);
  const cross_entropy loss{.class_weights = {1, 2, 3}, .label_smoothing = 0.1f, .offsets = offsets};
  const auto found = evaluate(loss, a), expected = evaluate(cross_entropy{{1, 2, 3}, 0.1f}, shifted);
  CHECK(found.loss == Approx(expected.loss).epsilon(1e-12));
  for (std::size_t i = 0; i < found.gradient.size(); ++i)
    CHECK(found.gradient[i] == Approx(expected.gradient[i]).margin(1e-14));
  CHECK(gradient_error(loss, a) <= 1e-6);
  CHECK_THROWS_AS(evaluate(cross_entropy{.offsets = {1, 2}}, a), shape_error);
}
