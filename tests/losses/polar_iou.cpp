#include <aixcell/losses/polar_iou.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

/// [N,H,W,channels+1]: distances in (0.05, 3), then a weight with some zeros and some below.
tensor<float> random_distances(const shape& output, int channels, std::uint64_t seed) {
  random_stream random(seed, 3);
  tensor<float> t({output[0], output[1], output[2], channels + 1});
  for (index_t i = 0; i < t.size(); ++i)
    t[i] = i % (channels + 1) == channels ? random.uniform(-0.3f, 1.0f) : random.uniform(0.05f, 3.0f);
  return t;
}

double plain_polar_iou(const arrangement& a) {
  double sum = 0, total = 0;
  for (index_t i = 0; i < pixels_of(a); ++i) {
    double united = 0, shared = 0;
    for (int c = 0; c < a.channels.count; ++c) {
      const double d = std::exp(a.output[i * a.output.extent(3) + a.channels.first + c]), t = plain_target(a, i, c);
      united += std::max(d, t);
      shared += std::min(d, t);
    }
    total += plain_weight(a, i);
    if (plain_weight(a, i) > 0) sum += plain_weight(a, i) * std::log(united / shared);
  }
  return total > 0 ? a.scale * sum / total : 0;
}

}  // namespace

TEST_CASE("polar_iou: by hand; equal polygons cost nothing, and so do multiples of both") {
  arrangement a{.output = tensor<double>({1, 1, 1, 2}), .target = tensor<float>({1, 1, 1, 2}), .channels = {0, 2}};
  a.output[0] = std::log(2.0), a.output[1] = std::log(3.0);
  a.target[0] = 4, a.target[1] = 1;
  CHECK(evaluate(polar_iou{}, a).loss == Approx(std::log(7.0 / 3.0)));
  CHECK(evaluate(polar_iou{}, a).gradient[0] == Approx(-2 / 3.0));
  CHECK(evaluate(polar_iou{}, a).gradient[1] == Approx(3 / 7.0));
  for (double& v : a.output) v += std::log(5.0);
  for (float& v : a.target) v *= 5;
  CHECK(evaluate(polar_iou{}, a).loss == Approx(std::log(7.0 / 3.0)));
  a.target[0] = 10, a.target[1] = 15;
  CHECK(evaluate(polar_iou{}, a).loss == Approx(0).margin(1e-6));
}

TEST_CASE("polar_iou: value and gradient on odd sizes") {
  for (const int channels : {1, 2, 8})
    for (const placed& at : placements(channels))
      for (const int weight_channel : {-1, channels}) {
        arrangement a{.output = random_logits(at.output, 42), .target = random_distances(at.output, channels, 5)};
        a.channels = at.channels;
        a.weight_channel = weight_channel;
        a.scale = 0.4;
        CAPTURE(to_string(at.output), channels, weight_channel);
        CHECK(evaluate(polar_iou{}, a).loss == Approx(plain_polar_iou(a)).epsilon(1e-12).margin(1e-14));
        CHECK(gradient_error(polar_iou{}, a) <= 1e-6);
        CHECK(float_error(polar_iou{}, a) <= 1e-3);
      }
}

TEST_CASE("polar_iou: a distance far too great stays finite and is pulled down") {
  arrangement a{.output = tensor<double>({1, 1, 1, 1}), .target = tensor<float>({1, 1, 1, 1})};
  a.output[0] = 1e6, a.target[0] = 1;
  const auto found = evaluate(polar_iou{}, a);
  CHECK(found.loss == Approx(12));
  CHECK(found.gradient[0] == Approx(1));
}

TEST_CASE("polar_iou: no weight is 0; threads do not matter") {
  const shape s{1, 101, 103, 2};
  arrangement a{random_logits(s, 1), random_distances(s, 2, 2), {0, 2}, 0, 2};
  CHECK(same_for_any_threads(polar_iou{}, a));
  for (index_t i = 2; i < a.target.size(); i += 3) a.target[i] = -1;
  CHECK(evaluate(polar_iou{}, a).loss == 0);
  CHECK(largest(evaluate(polar_iou{}, a).gradient) == 0);
}
