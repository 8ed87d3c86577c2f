#include <aixcell/losses/dice.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

double plain_dice(const arrangement& a, const dice& loss) {
  const int classes = std::max(2, a.channels.count), first = a.channels.count > 1 && loss.background ? 0 : 1;
  const double e = static_cast<double>(loss.smooth);
  double mean = 0, counted = 0;
  for (int c = first; c < classes; ++c) {
    double overlap = 0, predicted = 0, present = 0;
    for (index_t i = 0; i < pixels_of(a); ++i) {
      const double t = plain_target(a, i), w = plain_weight(a, i);
      if (t < 0) continue;
      counted += w;
      const double p = a.channels.count > 1 ? plain_softmax(a, i)[static_cast<std::size_t>(c)]
                                            : 1 / (1 + std::exp(-a.output[i * a.output.extent(3) + a.channels.first]));
      overlap += w * p * (static_cast<int>(t) == c);
      predicted += w * p;
      present += w * (static_cast<int>(t) == c);
    }
    mean += (2 * overlap + e) / (predicted + present + e) / (classes - first);
  }
  return counted > 0 ? a.scale * (1 - mean) : 0;
}

}  // namespace

TEST_CASE("dice: by hand") {
  // One channel, p = 1/2 everywhere, two of four pixels are objects: 1 - (2 * 1 + 1) / (2 + 2 + 1).
  arrangement a{.output = tensor<double>({1, 2, 2, 1}), .target = tensor<float>({1, 2, 2, 1}), .channels = {0, 1}};
  a.target[0] = a.target[3] = 1;
  CHECK(evaluate(dice{}, a).loss == Approx(0.4));
  for (index_t i = 0; i < 4; ++i) a.output[i] = a.target[i] > 0 ? 60 : -60;
  CHECK(evaluate(dice{}, a).loss == Approx(0).margin(1e-12));
}

TEST_CASE("dice: value and gradient on odd sizes, with weights and unknown pixels") {
  for (const int channels : {1, 2, 3, 5})
    for (const placed& at : placements(channels))
      for (const int weight_channel : {-1, 1}) {
        arrangement a{.output = random_logits(at.output, 23),
                      .target = random_classes(at.output, std::max(2, channels), 5)};
        a.channels = at.channels;
        a.weight_channel = weight_channel;
        a.scale = 2.5;
        for (const dice& loss : {dice{}, dice{true, 1.0f}, dice{false, 0.01f}}) {
          CAPTURE(to_string(at.output), channels, weight_channel, loss.background, loss.smooth);
          CHECK(evaluate(loss, a).loss == Approx(plain_dice(a, loss)).epsilon(1e-11).margin(1e-13));
          CHECK(gradient_error(loss, a) <= 1e-6);
          CHECK(float_error(loss, a) <= 1e-3);
        }
      }
}

TEST_CASE("dice: the whole batch counts as one image") {
  const shape s{2, 3, 3, 2};
  arrangement batch{random_logits(s, 1), random_classes(s, 2, 2), {0, 2}};
  arrangement tall{batch.output.reshaped({1, 6, 3, 2}), batch.target.reshaped({1, 6, 3, 2}), {0, 2}};
  CHECK(evaluate(dice{}, batch).loss == evaluate(dice{}, tall).loss);
}

TEST_CASE("dice: nothing known is 0; threads do not matter; classes are checked") {
  const shape s{1, 101, 103, 3};
  arrangement a{random_logits(s, 1), random_classes(s, 3, 2), {0, 3}};
  CHECK(same_for_any_threads(dice{}, a));
  a.target[0] = 3;
  CHECK_THROWS_AS(evaluate(dice{}, a), data_error);
  a.target.fill(-1);
  CHECK(evaluate(dice{}, a).loss == 0);
  CHECK(largest(evaluate(dice{}, a).gradient) == 0);
}
