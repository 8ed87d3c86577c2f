#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/optim/adamw.hpp>
#include <aixcell/pipeline/any_network.hpp>

namespace aixcell {
namespace {

using small = network_stage<plain<3, 8>, unet>;

small make(context<cpu>& ctx) {
  small net;
  random_stream random(7);
  net.set_up(ctx, 1, {.channels = 2}, random);
  return net;
}

/// The losses of some steps towards "brighter than its surroundings", and the weights they end with.
struct trained {
  std::vector<double> losses;
  std::vector<float> weights;
};
trained train(context<cpu> ctx, int steps) {
  small net = make(ctx);
  std::vector<parameter_slice> slices;
  for (const network_tensor& t : net.tensors())
    if (t.gradient) slices.push_back({t.value->data(), t.gradient->data(), t.value->size(), t.decays});
  adamw optimiser({}, slices);
  const auto x = random_tensor<float>({2, 24, 20, 1}, 3);
  tensor<float> target({2, 24, 20, 1});
  for (index_t i = 0; i < x.size(); ++i) target[i] = x[i] > 0 ? 1.0f : 0.0f;
  const cross_entropy entropy;
  trained out;
  for (int i = 0; i < steps; ++i) {
    clear_gradients(ctx, slices);
    out.losses.push_back(net.learn(ctx, x, [&](const tensor<float>& y, tensor<float>& gradient) {
      gradient.fill(0);
      return entropy(ctx, loss_arguments<float>{.output = y, .channels = {0, 2}, .target = target, .gradient = gradient});
    }));
    optimiser.step(ctx, slices, 3e-3);
  }
  for (const parameter_slice& p : slices) out.weights.insert(out.weights.end(), p.value, p.value + p.count);
  return out;
}

}  // namespace

TEST_CASE("one set of weights runs in both precisions, chosen by the context", "[pipeline][cpu]") {
  context<cpu> exact(1, precision::float32), rounded(1, precision::bfloat16);
  small net = make(exact);
  const auto x = random_tensor<float>({1, 33, 21, 1}, 2);
  const auto y = net.forward(exact, x), z = net.forward(rounded, x);
  CHECK(relative_difference(z, y) < 0.06);
  CHECK(relative_difference(z, y) > 0);  // it is another precision
  for (const network_tensor& t : net.tensors())
    for (float& v : *t.value) v *= 0.5f;
  CHECK(relative_difference(net.forward(rounded, x), net.forward(exact, x)) < 0.06);
}

TEST_CASE("what is learned in bfloat16 is the same for any number of threads", "[pipeline][cpu]") {
  const trained one = train(context<cpu>(1, precision::bfloat16), 4), two = train(context<cpu>(2, precision::bfloat16), 4);
  CHECK(one.losses == two.losses);
  CHECK(one.weights == two.weights);
}

TEST_CASE("a network learns in bfloat16 as it does in float32", "[pipeline][cpu]") {
  const trained exact = train(context<cpu>(2, precision::float32), 40),
                rounded = train(context<cpu>(2, precision::bfloat16), 40);
  CHECK(exact.losses.back() < 0.3 * exact.losses.front());
  CHECK(std::abs(rounded.losses.front() - exact.losses.front()) < 0.02 * exact.losses.front());
  CHECK(rounded.losses.back() < 1.15 * exact.losses.back() + 0.01);
}

TEST_CASE("frozen weights give the same values until they may change", "[pipeline][cpu]") {
  const precision stored = GENERATE(precision::float32, precision::bfloat16);
  context<cpu> ctx(2, stored);
  small net = make(ctx);
  const auto x = random_tensor<float>({2, 19, 40, 1}, 2);
  const auto before = net.forward(ctx, x);
  const std::size_t live = ctx.memory().use().live;
  net.freeze(ctx, 1);
  CHECK(ctx.memory().use().live > live);
  for (int i = 0; i < 2; ++i) {
    const auto frozen = net.forward(ctx, x);
    CHECK(relative_difference(frozen, before) < 1e-5);  // another algorithm where filters stay, hence other roundings
  }
  for (const network_tensor& t : net.tensors())  // asking for them is leave to change them
    for (float& v : *t.value) v *= 0.5f;
  CHECK(ctx.memory().use().live == live);
  const auto after = net.forward(ctx, x);
  CHECK_FALSE(std::equal(before.begin(), before.end(), after.begin()));
}

TEST_CASE("values computed again: the same weights in less memory", "[pipeline][cpu]") {
  const precision stored = GENERATE(precision::float32, precision::bfloat16);
  const recomputation how = GENERATE(recomputation::selective, recomputation::full);
  const trained kept = train(context<cpu>(2, stored), 3), again = train(context<cpu>(2, {stored, how}), 3);
  CHECK(kept.losses == again.losses);
  CHECK(kept.weights == again.weights);
  const small net;
  const shape batch{4, 128, 128, 1};
  // In bfloat16 without a matrix unit every convolution goes through float32 copies of its arguments, kept values or not.
  const double share = how == recomputation::selective                                           ? 0.9
                       : stored == precision::bfloat16 && !detail::processor().matrix_unit ? 0.75
                                                                                                  : 0.7;
  CHECK(static_cast<double>(net.estimate(batch, {.channels = 2}, 1, {stored, how}).training_bytes) <
        share * static_cast<double>(net.estimate(batch, {.channels = 2}, 1, stored).training_bytes));
}

TEST_CASE("bfloat16 takes little more than half the memory of float32 where a matrix unit computes in it",
          "[pipeline][dry]") {
  const small net;
  const shape batch{4, 128, 128, 1};
  const output_head head{.channels = 2};
  const auto exact = net.estimate(batch, head, 1, precision::float32),
             rounded = net.estimate(batch, head, 1, precision::bfloat16);
  CHECK(rounded.parameters == exact.parameters);
  CHECK(rounded.weight_bytes == exact.weight_bytes);
  // without the unit every convolution goes through float32 copies of its arguments
  const double share = detail::processor().matrix_unit ? 0.65 : 0.8;
  CHECK(static_cast<double>(rounded.training_bytes) < share * static_cast<double>(exact.training_bytes));
}

}  // namespace aixcell
