#include <aixcell/kernels/gpu/binary_cross_entropy.hpp>
#include <aixcell/kernels/gpu/cross_entropy.hpp>
#include <aixcell/kernels/gpu/dice.hpp>
#include <aixcell/kernels/gpu/fill.hpp>
#include <aixcell/kernels/gpu/focal.hpp>
#include <aixcell/kernels/gpu/image_cross_entropy.hpp>
#include <aixcell/kernels/gpu/masked_regression.hpp>
#include <aixcell/kernels/gpu/polar_iou.hpp>
#include <aixcell/losses/any_loss_term.hpp>
#include <aixcell/losses/gpu/add_losses.hpp>
#include "on_device.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

using maps = loss_maps<float, device_under_test>;

/// The GPU's loss against the processor's in float64, which tests/losses holds to plain loops: value and gradient, which is
/// added to. Target: classes or probabilities with some pixels unknown, then weights of which some are 0 and some below.
template <class OnGpu, class OnCpu>
void compare(int channels, bool classes, bool weighted, OnGpu&& on_gpu, OnCpu&& on_cpu) {
  for (const shape& s :
       {shape{0, 3, 3, 6}, shape{1, 1, 1, 6}, shape{2, 5, 7, 6}, shape{9, 3, 2, 6}, shape{1, 65, 64, 6}}) {
    if (s[1] == 65 && !unhurried()) continue;
    CAPTURE(to_string(s), channels, weighted);
    const shape ts{s[0], s[1], s[2], 6};
    const auto output = random_tensor<float>(s, 1), before = random_tensor<float>(s, 2);
    auto target = random_tensor<float>(ts, 3);
    for (index_t i = 0; i < target.size(); ++i) {
      if (i % 6 == 5) continue;  // weights
      const float v = std::abs(target[i]) * 7;
      if (classes)
        target[i] = static_cast<float>(static_cast<int>(v) % (std::max(channels, 2) + 1) - 1);
      else
        target[i] = i % 5 == 0 ? -1.0f : v / 30;
    }
    context<cpu> processor(1);
    tensor<double> wide(s), expected(s);
    for (index_t i = 0; i < output.size(); ++i)
      wide[i] = static_cast<double>(output[i]), expected[i] = static_cast<double>(before[i]);
    const int weight_channel = weighted ? 5 : -1;
    const loss_arguments<double> arguments{.output = wide,
                                           .channels = {1, channels},
                                           .target = target,
                                           .target_channel = 1,
                                           .weight_channel = weight_channel,
                                           .gradient = expected,
                                           .scale = 0.5};
    const double loss = on_cpu(processor, arguments);
    on_every_device([&](auto& ctx) {
      const auto on_output = to_device(ctx, output), on_target = to_device(ctx, target);
      auto gradient = to_device(ctx, before);
      device_tensor<double> result(ctx, {loss_result_count});
      on_gpu(ctx,
             maps{.output = on_output,
                  .first_channel = 1,
                  .channels = channels,
                  .target = on_target,
                  .target_channel = 1,
                  .weight_channel = weight_channel,
                  .gradient = gradient,
                  .scale = 0.5},
             result.as_view());
      const auto found = to_host(ctx, result);
      CHECK(std::abs(found[0] - loss) < 1e-5 * (1 + std::abs(loss)));
      CHECK(found[2] == 0);
      CHECK(agrees(to_host(ctx, gradient), expected, 1e-6));
    });
  }
}

}  // namespace

TEST_CASE("gpu: binary cross entropy", "[kernels][gpu]") {
  for (const bool weighted : {false, true})
    compare(
        3, false, weighted,
        [](auto& ctx, const maps& a, auto result) { binary_cross_entropy_loss<float>(ctx, a, result); },
        [](auto& ctx, const auto& a) { return binary_cross_entropy{}(ctx, a); });
}

TEST_CASE("gpu: masked regression", "[kernels][gpu]") {
  compare(
      3, false, true, [](auto& ctx, const maps& a, auto result) { masked_l2_loss<float>(ctx, a, result); },
      [](auto& ctx, const auto& a) { return masked_l2{}(ctx, a); });
  compare(
      2, false, true, [](auto& ctx, const maps& a, auto result) { masked_l1_loss<float>(ctx, a, result); },
      [](auto& ctx, const auto& a) { return masked_l1{}(ctx, a); });
}

TEST_CASE("gpu: cross entropy", "[kernels][gpu]") {
  const std::vector<float> weights{0.5f, 0, 2, 1}, offsets{0.1f, -2, 0.5f, 1};
  for (const bool weighted : {false, true})
    compare(
        4, true, weighted,
        [&](auto& ctx, const maps& a, auto result) {
          tensor<float> options({8});
          for (int c = 0; c < 4; ++c) {
            options[c] = weights[static_cast<std::size_t>(c)];
            options[4 + c] = offsets[static_cast<std::size_t>(c)];
          }
          const auto on = to_device(ctx, options);
          cross_entropy_loss<float>(
              ctx, a, weighted ? cross_entropy_options{on.data(), on.data() + 4, 0.1f} : cross_entropy_options{},
              result);
        },
        [&](auto& ctx, const auto& a) {
          return weighted ? cross_entropy{weights, 0.1f, offsets}(ctx, a) : cross_entropy{}(ctx, a);
        });
}

TEST_CASE("gpu: cross entropy of whole images", "[kernels][gpu]") {
  const std::vector<float> offsets{0.1f, -2, 0.5f, 1};
  for (const bool weighted : {false, true})
    compare(
        4, true, weighted,
        [&](auto& ctx, const maps& a, auto result) {
          tensor<float> there({4});
          std::copy(offsets.begin(), offsets.end(), there.begin());
          const auto on = to_device(ctx, there);
          image_cross_entropy_loss<float>(
              ctx, a, weighted ? cross_entropy_options{nullptr, on.data(), 0.1f} : cross_entropy_options{}, result);
        },
        [&](auto& ctx, const auto& a) {
          return weighted ? image_cross_entropy{0.1f, offsets}(ctx, a) : image_cross_entropy{}(ctx, a);
        });
}

TEST_CASE("gpu: dice", "[kernels][gpu]") {
  for (const int channels : {1, 4})
    for (const bool background : {false, true})
      compare(
          channels, true, background,
          [&](auto& ctx, const maps& a, auto result) {
            dice_loss<float>(ctx, a, {.background = background, .smooth = 2}, result);
          },
          [&](auto& ctx, const auto& a) { return dice{.background = background, .smooth = 2}(ctx, a); });
}

TEST_CASE("gpu: focal", "[kernels][gpu]") {
  const std::vector<float> weights{0.5f, 0, 2, 1};
  for (const bool weighted : {false, true})
    for (const float gamma : {0.0f, 2.0f})
      compare(
          4, true, weighted,
          [&](auto& ctx, const maps& a, auto result) {
            const auto on = to_device(ctx, [&] {
              tensor<float> t({4});
              std::copy(weights.begin(), weights.end(), t.begin());
              return t;
            }());
            focal_loss<float>(ctx, a, {gamma, weighted ? on.data() : nullptr}, result);
          },
          [&](auto& ctx, const auto& a) {
            return focal{gamma, weighted ? weights : std::vector<float>{}}(ctx, a);
          });
}

TEST_CASE("gpu: how badly polygons overlap", "[kernels][gpu]") {
  // The targets of half the pixels are below 0, where the weight has to be 0: as where there is no object.
  const shape s = GENERATE(shape{2, 9, 7, 6}, shape{0, 9, 7, 6}, shape{1, 1, 1, 6}, shape{1, 19, 14, 6});
  CAPTURE(to_string(s));
  auto output = random_tensor<float>(s, 1), target = random_tensor<float>(s, 2);
  if (!output.empty()) output[4] = 20, target[0] = 1;
  for (index_t p = 0; p < output.size() / 6; ++p) {
    const bool object = target[6 * p] > 0;
    for (index_t k = 1; k < 6; ++k) target[6 * p + k] = object ? std::abs(target[6 * p + k]) + 0.1f : 0.0f;
  }
  context<cpu> processor(1);
  tensor<double> wide(s), expected(s);
  for (index_t i = 0; i < output.size(); ++i) wide[i] = static_cast<double>(output[i]);
  const double loss = polar_iou{}(processor, loss_arguments<double>{.output = wide,
                                                                    .channels = {1, 5},
                                                                    .target = target,
                                                                    .target_channel = 1,
                                                                    .weight_channel = 0,
                                                                    .gradient = expected,
                                                                    .scale = 0.7});
  on_every_device([&](auto& ctx) {
    const auto on = to_device(ctx, output), on_target = to_device(ctx, target);
    auto gradient = device_tensor<float>::zeros(ctx, s);
    device_tensor<double> result(ctx, {loss_result_count});
    polar_iou_loss<float>(ctx,
                          {.output = on,
                           .first_channel = 1,
                           .channels = 5,
                           .target = on_target,
                           .target_channel = 1,
                           .weight_channel = 0,
                           .gradient = gradient,
                           .scale = 0.7},
                          result);
    CHECK(std::abs(to_host(ctx, result)[0] - loss) <= 1e-5 * loss);
    CHECK(agrees(to_host(ctx, gradient), expected, 1e-6));
  });
}

TEST_CASE("gpu: a loss of several terms is that of the processor", "[kernels][gpu]") {
  const shape s{1, 5, 7, 6};
  const auto output = random_tensor<float>(s, 3);
  auto target = random_tensor<float>(s, 4);
  for (index_t i = 0; i < target.size(); ++i)
    target[i] = i % 6 == 0 ? static_cast<float>(i % 3) : std::abs(target[i]) + 0.1f;
  const std::tuple terms{loss_term{cross_entropy{.class_weights = {1, 1, 2}}, channel_range{0, 3}, 0},
                         loss_term{dice{}, channel_range{0, 3}, 0, -1, 0.5},
                         loss_term{focal{}, channel_range{0, 3}, 0, 2, 0.25},
                         loss_term{image_cross_entropy{.label_smoothing = 0.1f, .offsets = {-1, 0, 0.5f}},
                                   channel_range{3, 3}, 0, -1, 0.5},
                         loss_term{binary_cross_entropy{}, channel_range{3, 1}, 1},
                         loss_term{masked_l1{}, channel_range{4, 2}, 2, 1, 0.5},
                         loss_term{masked_l2{}, channel_range{4, 2}, 2, 1, 0.5},
                         loss_term{polar_iou{}, channel_range{3, 3}, 3, 1, 2.0}};
  context<cpu> processor(1);
  tensor<float> expected(s);
  const double loss = add_losses<float>(processor, terms, output, target, expected);
  const auto erased_terms = erased(terms);
  on_every_device([&](auto& ctx) {
    auto gradient = device_tensor<float>::zeros(ctx, s);
    device_tensor<double> results(ctx, {std::ssize(erased_terms), loss_result_count});
    const auto losses = losses_on(ctx, erased_terms);
    add_losses<float>(ctx, losses, to_device(ctx, output), to_device(ctx, target), gradient, results);
    CHECK(std::abs(sum_of_losses(to_host(ctx, results)) - loss) <= 1e-6 * loss);
    CHECK(agrees(to_host(ctx, gradient), expected, 1e-6));
  });
}

TEST_CASE("gpu: losses count classes that the output does not have", "[kernels][gpu]") {
  on_every_device([&](auto& ctx) {
    tensor<float> target({1, 2, 2, 1});
    target[1] = 7;
    const auto output = to_device(ctx, random_tensor<float>({1, 2, 2, 3}, 1)), on_target = to_device(ctx, target);
    auto gradient = to_device(ctx, tensor<float>({1, 2, 2, 3}));
    device_tensor<double> result(ctx, {loss_result_count});
    const maps a{.output = output, .channels = 3, .target = on_target, .gradient = gradient};
    cross_entropy_loss<float>(ctx, a, {}, result);
    CHECK(to_host(ctx, result)[2] == 1);
    dice_loss<float>(ctx, a, {}, result);
    CHECK(to_host(ctx, result)[2] == 1);
    CHECK_THROWS_AS(
        dice_loss<float>(ctx, {.output = output, .channels = 4, .target = on_target, .gradient = gradient}, {}, result),
        shape_error);
  });
}

}  // namespace aixcell
