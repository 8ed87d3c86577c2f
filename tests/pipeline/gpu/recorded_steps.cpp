// Steps of a training that are recorded once and launched as a whole, against steps that are launched kernel by kernel.
#include <aixcell/device/emulated.hpp>
#include <aixcell/pipeline/gpu/networks_on.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

template <class Real>
using net_on = network_on<plain<2, 4>, unet, Real, emulated>;

/// A training of a small network on the emulated device.
template <class Real>
struct run {
  network<plain<2, 4>, unet, cpu> host;
  std::vector<network_tensor> tensors;
  std::vector<tensor<float>> averages, moments;
  net_on<Real> net;
  step_options options;

  explicit run(bool recorded, optimiser kind = optimiser::adamw, context<emulated> device = context<emulated>())
      : host(made()), net(settled(std::move(device), recorded), 1, {.channels = 3}, nullptr) {
    options.optimiser = kind;
    options.clip_norm = 1;
    tensors = tensors_of(host);
    training_state state{tensors, {}, {}};
    for (const network_tensor& t : tensors) averages.push_back(t.value->clone());
    for (const network_tensor& t : tensors)
      for (int m = 0; t.gradient && m < (kind == optimiser::adamw ? 2 : 1); ++m) moments.emplace_back(t.value->shape());
    for (tensor<float>& t : averages) state.averages.push_back(&t);
    for (tensor<float>& t : moments) state.moments.push_back(&t);
    net.set_loss(erased(std::tuple{loss_term{cross_entropy{.class_weights = {1, 2, 0.5f}}, channel_range{0, 3}},
                                   loss_term{dice{}, channel_range{0, 3}, 0, -1, 0.5}}));
    net.begin_steps(state, kind);
  }

  /// One step of a batch of so many images, with a rate and a decay of its own.
  step_result step(index_t images) {
    const auto number = static_cast<std::uint64_t>(options.step);
    const auto x = random_tensor<float>({images, 9, 11, 1}, number);
    tensor<float> target({images, 9, 11, 1});
    for (index_t i = 0; i < target.size(); ++i) target[i] = static_cast<float>((i / 5 + options.step) % 3);
    options.learning_rate = 0.01 / static_cast<double>(number);
    options.average_decay = 1 - 1.0 / static_cast<double>(1 + number);
    const step_result found = net.step(x, target, options);
    ++options.step;
    return found;
  }

  /// Weights, statistics, averages and moments, as they are on the host after the end.
  std::vector<float> everything() {
    net.end_steps();
    std::vector<float> all;
    for (const network_tensor& t : tensors) all.insert(all.end(), t.value->begin(), t.value->end());
    for (const auto* more : {&averages, &moments})
      for (const tensor<float>& t : *more) all.insert(all.end(), t.begin(), t.end());
    return all;
  }

 private:
  static network<plain<2, 4>, unet, cpu> made() {
    context<cpu> ctx(1, precision::float32);
    random_stream random(4);
    return {ctx, 1, {.channels = 3}, random};
  }
  static context<emulated> settled(context<emulated> device, bool recorded) {
    compute_settings how;
    how.record_steps = recorded;
    device.compute_as(how);
    return device;
  }
};

/// Waits in the midst of a convolution, as a library might.
struct waiting_library final : convolution_library<emulated> {
  std::string name() const override { return "waiting"; }
  void run(context<emulated>& ctx, const convolution_work&, const convolution_operands&) override { synchronise(ctx); }
};

}  // namespace

TEMPLATE_TEST_CASE("recorded steps give the bits of steps that are launched kernel by kernel", "[pipeline][gpu]", float,
                   bfloat16) {
  for (const optimiser kind : {optimiser::adamw, optimiser::sgd}) {
    run<TestType> singly(false, kind), recorded(true, kind);
    std::string which;
    for (const index_t images : {2, 2, 2, 2, 1, 1, 1, 2, 2, 2}) {
      const step_result expected = singly.step(images), found = recorded.step(images);
      CHECK(expected.loss > 0);
      CHECK(found.loss == expected.loss);
      CHECK(found.gradient_norm == expected.gradient_norm);
      CHECK_FALSE(singly.net.steps_are_recorded());
      which += recorded.net.steps_are_recorded() ? 'r' : '.';
    }
    CHECK(which == ".rrr.rr.rr");
    const std::vector<float> expected = singly.everything(), found = recorded.everything();
    CHECK(found == expected);
    CHECK(found != run<TestType>(true, kind).everything());
  }
}

TEST_CASE("other options than the numbers of a step are recorded anew, and so is another training", "[pipeline][gpu]") {
  run<float> a(true), b(false);
  for (const float decay : {0.01f, 0.3f}) {
    a.options.adamw.weight_decay = b.options.adamw.weight_decay = decay;
    for (int i = 0; i < 3; ++i) {
      CHECK(a.step(1).loss == b.step(1).loss);
      CHECK(a.net.steps_are_recorded() == (i > 0));
    }
  }
  CHECK(a.everything() == b.everything());
  CHECK_FALSE(a.net.steps_are_recorded());
}

TEST_CASE("memory of recorded steps is let go when they end", "[pipeline][gpu]") {
  const context<emulated> device;
  context<emulated> same = device;
  run<float> steps(true, optimiser::adamw, device);
  const std::size_t before = same.memory().use().live;
  for (int i = 0; i < 3; ++i) steps.step(2);
  CHECK(same.memory().use().live == before);  // they have their own
  steps.net.end_steps();
  CHECK(same.memory().use().live < before);
}

TEST_CASE("what cannot be recorded says so, and how to do without", "[pipeline][gpu]") {
  context<emulated> device;
  device.convolve_by(std::make_shared<waiting_library>());
  run<float> recorded(true, optimiser::adamw, device), singly(false, optimiser::adamw, device);
  CHECK_NOTHROW(recorded.step(1));
  CHECK_THROWS_WITH(
      recorded.step(1),
      "emulated device: somebody waits while work is being recorded; do it before or after the recording; this "
      "happened as a training step was recorded: without recording (compute_settings::record_steps, "
      "--launch-singly) steps are taken launch by launch");
  for (int i = 0; i < 2; ++i) CHECK_NOTHROW(singly.step(1));
}

}  // namespace aixcell
