#include <aixcell/losses/sum_of.hpp>

#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/losses/dice.hpp>
#include <aixcell/losses/focal.hpp>

#include "loss_check.hpp"
#include "support/catch.hpp"

using namespace loss_check;

static_assert(Loss<sum_of<cross_entropy, dice>>);
static_assert(Loss<sum_of<sum_of<cross_entropy>, dice>>);

TEST_CASE("sum_of: weighs values and gradients") {
  const shape s{2, 3, 5, 3};
  arrangement a{random_logits(s, 1), random_classes(s, 3, 2), {0, 3}, 0, 1, 0.5};
  const sum_of total{weighted<cross_entropy>{{}, 2.0}, weighted<dice>{{}, 0.25}, weighted<focal>{{}, 3.0}};
  const auto found = evaluate(total, a), entropy = evaluate(cross_entropy{}, a), overlap = evaluate(dice{}, a),
             hard = evaluate(focal{}, a);
  CHECK(found.loss == Approx(2 * entropy.loss + 0.25 * overlap.loss + 3 * hard.loss));
  for (std::size_t i = 0; i < found.gradient.size(); ++i)
    CHECK(found.gradient[i] ==
          Approx(2 * entropy.gradient[i] + 0.25 * overlap.gradient[i] + 3 * hard.gradient[i]).margin(1e-15));
  CHECK(gradient_error(total, a) <= 1e-6);
  CHECK(float_error(total, a) <= 1e-3);
}

TEST_CASE("sum_of: a weight of 0 leaves a term out") {
  const shape s{1, 3, 3, 2};
  const arrangement a{random_logits(s, 1), random_classes(s, 2, 2), {0, 2}};
  const sum_of total{weighted<cross_entropy>{{}, 1.0}, weighted<dice>{{}, 0.0}};
  CHECK(evaluate(total, a).loss == evaluate(cross_entropy{}, a).loss);
  CHECK(evaluate(total, a).gradient == evaluate(cross_entropy{}, a).gradient);
}
