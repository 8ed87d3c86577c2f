// A step of learning that computes values again against one that keeps them: the same bits, in less memory.
#include <cmath>

#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/linknet.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/decoder/unet_plus_plus.hpp>
#include <aixcell/encoder/convnext.hpp>
#include <aixcell/encoder/densenet.hpp>
#include <aixcell/encoder/efficientnet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/pipeline/network.hpp>
#include "support/catch.hpp"

namespace aixcell {

namespace {

struct step {
  std::vector<float> values;  // the output, every gradient and running statistic
  std::size_t peak;
};

template <class Enc, class Dec, class Real>
step step_of(recomputation how) {
  context<cpu> ctx(1, {precision::automatic, how});  // what several threads take at once differs from run to run
  random_stream random(1), none = random_stream(1).unwanted();  // normal values would be most of the time
  network<Enc, Dec, cpu, Real> net(ctx, 2, {.channels = 3}, none);
  for_each_parameter(net, [&](std::string_view, auto& p) {
    const float reach = std::sqrt(6.0f * static_cast<float>(p.value.extent(0)) / static_cast<float>(p.value.size()));
    if (p.decays)
      for (float& v : p.value) v = reach * (2 * random.uniform() - 1);
  });
  tensor<float> x({2, 61, 50, 2});
  for (float& v : x) v = random.uniform();
  const std::size_t weights = ctx.memory().use().live;
  ctx.memory().reset_peak();
  step s{};
  net.learn(ctx, x, [&](const tensor<float>& y, tensor<float>& gradient) {
    for (float& g : gradient) g = random.uniform() - 0.5f;
    s.values.assign(y.begin(), y.end());
    return 0.0;
  });
  s.peak = ctx.memory().use().peak - weights;
  for (const network_tensor& t : tensors_of(net)) {
    const tensor<float>& found = t.gradient ? *t.gradient : *t.value;
    s.values.insert(s.values.end(), found.begin(), found.end());
  }
  return s;
}

template <class Enc, class Dec, class Real = float>
void check_recompute(double selective_share) {
  const auto kept = step_of<Enc, Dec, Real>(recomputation::none);
  const auto selective = step_of<Enc, Dec, Real>(recomputation::selective);
  CHECK((selective.values == kept.values));  // not printed
  CHECK(static_cast<double>(selective.peak) < selective_share * static_cast<double>(kept.peak));
  CHECK((step_of<Enc, Dec, Real>(recomputation::full).values == kept.values));
}

}  // namespace

TEST_CASE("values computed again give the same bits in less memory", "[pipeline]") {
  SECTION("convolutions of images and of joined images, transposed ones, maxima") {
    check_recompute<plain<4, 16>, unet_transposed>(0.85);
  }
  SECTION("joined images that are copied, in bfloat16") { check_recompute<plain<3, 4>, unet, bfloat16>(0.9); }
  SECTION("residuals, squeeze and excitation, depthwise convolutions, images that others are added to") {
    check_recompute<efficientnet_b0, linknet>(0.8);
  }
  SECTION("normalised channels, linear layers, factors of layers") { check_recompute<convnext_tiny, unet>(0.9); }
  SECTION("residuals with activation, gates that others are added to, groups") {
    check_recompute<se_resnext50_32x4d, fpn>(0.95);
  }
  SECTION("concatenations, parts that several nodes share") { check_recompute<densenet121, unet_plus_plus>(0.9); }
}

}  // namespace aixcell
