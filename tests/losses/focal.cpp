#include <aixcell/losses/focal.hpp>

#include <aixcell/losses/cross_entropy.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

double plain_focal(const arrangement& a, const focal& loss) {
  double sum = 0, total = 0;
  for (index_t i = 0; i < pixels_of(a); ++i) {
    const double t = plain_target(a, i);
    if (t < 0) continue;
    const auto truth = static_cast<std::size_t>(t);
    double w = plain_weight(a, i);
    if (!loss.class_weights.empty()) w *= static_cast<double>(loss.class_weights[truth]);
    const double p = plain_softmax(a, i)[truth];
    sum -= w * std::pow(1 - p, static_cast<double>(loss.gamma)) * std::log(p);
    total += w;
  }
  return total > 0 ? a.scale * sum / total : 0;
}

}  // namespace

TEST_CASE("focal: by hand") {
  arrangement a{.output = tensor<double>({1, 1, 1, 2}), .target = tensor<float>({1, 1, 1, 1}), .channels = {0, 2}};
  CHECK(evaluate(focal{}, a).loss == Approx(0.25 * std::log(2.0)));
  a.output[0] = std::log(9.0);  // p = 0.9: 100 times less than cross-entropy (Lin et al. 2017, section 3.2)
  CHECK(evaluate(focal{}, a).loss == Approx(-0.01 * std::log(0.9)));
}

TEST_CASE("focal: value and gradient on odd sizes, with weights and unknown pixels") {
  for (const int classes : {2, 3, 5})
    for (const placed& at : placements(classes))
      for (const int weight_channel : {-1, 1}) {
        arrangement a{.output = random_logits(at.output, 13), .target = random_classes(at.output, classes, 5)};
        a.channels = at.channels;
        a.weight_channel = weight_channel;
        a.scale = 0.5;
        std::vector<float> weights;
        for (int c = 0; c < classes; ++c) weights.push_back(2.0f - 0.3f * static_cast<float>(c));
        for (const focal& loss :
             {focal{}, focal{0.0f, {}}, focal{0.5f, {}}, focal{1.0f, weights}, focal{3.5f, weights}}) {
          CAPTURE(to_string(at.output), classes, weight_channel, loss.gamma);
          CHECK(evaluate(loss, a).loss == Approx(plain_focal(a, loss)).epsilon(1e-9).margin(1e-14));
          CHECK(gradient_error(loss, a) <= 1e-6);
          CHECK(float_error(loss, a) <= 1e-3);
        }
      }
}

TEST_CASE("focal: gamma 0 is cross-entropy") {
  const shape s{2, 5, 3, 4};
  const arrangement a{random_logits(s, 1), random_classes(s, 4, 2), {0, 4}};
  const auto flat = evaluate(focal{.gamma = 0}, a), entropy = evaluate(cross_entropy{}, a);
  CHECK(flat.loss == Approx(entropy.loss));
  for (std::size_t i = 0; i < flat.gradient.size(); ++i)
    CHECK(flat.gradient[i] == Approx(entropy.gradient[i]).margin(1e-15));
}

TEST_CASE("focal: certain and right, or certain and wrong, stays finite") {
  arrangement a{.output = tensor<double>({1, 1, 1, 2}), .target = tensor<float>({1, 1, 1, 1}), .channels = {0, 2}};
  a.output[0] = 800;
  for (const float gamma : {0.0f, 0.5f, 2.0f})
    for (const float truth : {0.0f, 1.0f}) {
      a.target[0] = truth;
      const auto found = evaluate(focal{.gamma = gamma}, a);
      CHECK(found.loss == Approx(truth > 0 ? 800.0 : 0.0));
      CHECK(found.gradient[0] == Approx(truth > 0 ? 1.0 : 0.0));
    }
}

TEST_CASE("focal: nothing known is 0; threads do not matter; classes are checked") {
  const shape s{1, 101, 103, 3};
  arrangement a{random_logits(s, 1), random_classes(s, 3, 2), {0, 3}};
  CHECK(same_for_any_threads(focal{}, a));
  a.target[0] = 3;
  CHECK_THROWS_AS(evaluate(focal{}, a), data_error);
  CHECK_THROWS_AS(evaluate(focal{.class_weights = {1}}, a), shape_error);
  a.target.fill(-1);
  CHECK(evaluate(focal{}, a).loss == 0);
  CHECK(largest(evaluate(focal{}, a).gradient) == 0);
}
