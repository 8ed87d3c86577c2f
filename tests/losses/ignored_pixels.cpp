// What no loss may look at: outputs of pixels without a target, or without weight.
#include <limits>

#include <aixcell/losses/binary_cross_entropy.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/dice.hpp>
#include <aixcell/losses/focal.hpp>
#include <aixcell/losses/masked_l1.hpp>
#include <aixcell/losses/masked_l2.hpp>
#include <aixcell/losses/polar_iou.hpp>
#include <aixcell/losses/sum_of.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

namespace {

constexpr index_t pixel_count = 2 * 7 * 5, channel_count = 3;

/// The loss with outputs as they are, and with nonsense at the pixels that `ignored` says.
template <class L, class Ignored>
void check_ignores(const L& loss, arrangement a, Ignored&& ignored) {
  a.output = a.output.clone();  // copies of an arrangement share it
  const auto before = evaluate(loss, a);
  REQUIRE(before.loss != 0);
  random_stream random(9);
  index_t left_out = 0;
  for (index_t p = 0; p < pixel_count; ++p) {
    if (!ignored(p)) continue;
    ++left_out;
    for (index_t c = 0; c < channel_count; ++c) {
      CHECK(before.gradient[static_cast<std::size_t>(p * channel_count + c)] == 0);
      a.output[p * channel_count + c] =
          c % 2 ? std::numeric_limits<double>::quiet_NaN() : 1e3 * static_cast<double>(random.normal());
    }
  }
  REQUIRE(left_out > 5);
  REQUIRE(left_out < pixel_count - 5);
  const auto after = evaluate(loss, a);
  CHECK(after.loss == before.loss);
  CHECK(after.gradient == before.gradient);
}

}  // namespace

TEST_CASE("losses of classes skip pixels without a class and without weight") {
  const shape s{2, 7, 5, channel_count};
  for (const int weight_channel : {-1, 1}) {
    const arrangement a{random_logits(s, 1), random_classes(s, channel_count, 2), {0, channel_count}, 0, weight_channel};
    const auto ignored = [&](index_t p) {
      return a.target[2 * p] < 0 || (weight_channel == 1 && a.target[2 * p + 1] <= 0);
    };
    check_ignores(cross_entropy{}, a, ignored);
    check_ignores(cross_entropy{.class_weights = {1, 2, 3}, .label_smoothing = 0.1f}, a, ignored);
    check_ignores(focal{}, a, ignored);
    check_ignores(dice{}, a, ignored);
    check_ignores(dice{.background = true}, a, ignored);
    check_ignores(sum_of{weighted<cross_entropy>{{}, 1.0}, weighted<dice>{{}, 0.5}}, a, ignored);
  }
}

TEST_CASE("binary_cross_entropy skips channels without a probability and pixels without weight") {
  const shape s{2, 7, 5, channel_count};
  arrangement a{random_logits(s, 1), random_probabilities(s, channel_count, 2), {0, channel_count}, 0, channel_count};
  for (index_t p = 0; p < pixel_count; p += 3) std::fill_n(a.target.data() + p * (channel_count + 1), channel_count, -1.0f);
  check_ignores(binary_cross_entropy{}, a,
                [&](index_t p) { return p % 3 == 0 || a.target[p * (channel_count + 1) + channel_count] <= 0; });
  // One channel of a pixel alone.
  a.weight_channel = -1;
  const auto before = evaluate(binary_cross_entropy{}, a);
  for (index_t p = 0; p < pixel_count; ++p)
    for (index_t c = 0; c < channel_count; ++c)
      if (a.target[p * (channel_count + 1) + c] < 0) a.output[p * channel_count + c] = std::numeric_limits<double>::quiet_NaN();
  CHECK(evaluate(binary_cross_entropy{}, a).loss == before.loss);
  CHECK(evaluate(binary_cross_entropy{}, a).gradient == before.gradient);
}

TEST_CASE("losses of distances skip pixels without weight") {
  const shape s{2, 7, 5, channel_count};
  arrangement a{random_logits(s, 1), random_probabilities(s, channel_count, 2), {0, channel_count}, 0, channel_count};
  for (index_t p = 0; p < pixel_count; ++p)
    for (index_t c = 0; c < channel_count; ++c) {
      float& t = a.target[p * (channel_count + 1) + c];
      t = std::abs(t) + 0.1f;
    }
  const auto ignored = [&](index_t p) { return a.target[p * (channel_count + 1) + channel_count] <= 0; };
  check_ignores(masked_l1{}, a, ignored);
  check_ignores(masked_l2{}, a, ignored);
  check_ignores(polar_iou{}, a, ignored);
}
