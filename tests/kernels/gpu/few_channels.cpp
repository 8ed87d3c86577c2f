#include <aixcell/kernels/gpu/conv2d.hpp>
#include "convolutions.hpp"
#include "reference/activations.hpp"
#include "support/catch.hpp"

namespace aixcell {
namespace {

// One pixel, no image, tiles of 8 x 16 that fit and that do not; one, several and no whole steps of depth; one beyond a block's
// filters; both strides; more taps than image; as many channels as it takes.
std::vector<conv_case> few_channel_cases() {
  std::vector<conv_case> all{{{1, 1, 1, 1}, {1, 3, 3, 1}, {1, 1}},
                             {{0, 9, 9, 3}, {4, 3, 3, 3}, {1, 1}},
                             {{2, 8, 16, 1}, {4, 3, 3, 1}, {1, 1}},
                             {{2, 9, 17, 3}, {5, 3, 3, 3}, {1, 1}},
                             {{1, 5, 4, 2}, {3, 1, 1, 2}, {1, 0}}};
  if (unhurried()) all.push_back({{1, 19, 35, 3}, {65, 7, 7, 3}, {2, 3}});
  if (unhurried()) all.push_back({{3, 10, 11, 4}, {9, 2, 5, 4}, {2, 1}});
  if (thorough()) all.push_back({{1, 9, 18, 7}, {8, 7, 7, 7}, {1, 3}});
  return all;
}

/// conv2d and both gradients of a context that computes as `how`, against float64 of what is multiplied.
template <class Real>
void check(const conv_case& c, precision how, auto&& multiplied, double tolerance) {
  CAPTURE(to_string(c.x), to_string(c.filter), c.g.stride, c.g.padding, to_string(how));
  const shape ys = conv2d_output_shape(c.x, c.filter, c.g);
  const auto of = [](const shape& s, std::uint64_t seed) {
    if constexpr (std::is_same_v<Real, float>)
      return random_tensor<float>(s, seed);
    else
      return random_bf16(s, seed);
  };
  const auto x = of(c.x, 1), dy = of(ys, 3), residual = of(ys, 6);
  const auto w = random_tensor<float>(c.filter, 2), bias = random_tensor<float>({ys[3]}, 4),
             scale = random_tensor<float>({ys[3]}, 5), before = random_tensor<float>(c.filter, 7);
  exact_convolution exact(c.g, x, w, dy, multiplied);
  exact.y.scale_channels(scale);
  for (index_t o = 0; o < ys.count(); ++o) {
    exact.y.add(o, static_cast<double>(bias[o % ys[3]]));
    exact.y.add(o, static_cast<double>(static_cast<float>(residual[o])));
    exact.y.value[o] = reference::activated(activation::leaky_relu, exact.y.value[o]).value;
  }
  for (index_t f = 0; f < before.size(); ++f) exact.dfilter.add(f, static_cast<double>(before[f]));
  tensor<float> first_dw;
  tensor<double> first_sums;
  on_every_device([&](auto& ctx) {
    ctx.compute_as(how);
    const auto on_x = to_device(ctx, x), on_dy = to_device(ctx, dy), on_residual = to_device(ctx, residual);
    const auto on_w = to_device(ctx, w), on_bias = to_device(ctx, bias), on_scale = to_device(ctx, scale);
    device_tensor<Real> y(ctx, ys);
    device_tensor<double> sums(ctx, {ys[0], 2, ys[3]});
    conv2d<Real>(ctx, on_x, on_w, c.g,
                 {.bias = on_bias, .scale = on_scale, .residual = on_residual, .act = activation::leaky_relu}, y, sums);
    CHECK(exact.y.equal(to_host(ctx, y), tolerance));
    const auto sums_here = to_host(ctx, sums);
    CHECK(are_sums_of(sums_here, to_host(ctx, y)));
    if (first_sums.empty()) first_sums = sums_here;
    CHECK(same_values(sums_here, first_sums));
    auto dw = to_device(ctx, before);
    conv2d_backward_filter<Real>(ctx, on_x, on_dy, c.g, dw);
    const auto dw_here = to_host(ctx, dw);
    CHECK(exact.dfilter.equal(dw_here, tolerance));
    if (first_dw.empty()) first_dw = dw_here;
    CHECK(same_values(dw_here, first_dw));
  });
}

float to_bfloat16(float v) { return static_cast<float>(bfloat16(v)); }

}  // namespace

TEST_CASE("gpu: convolution of few channels in float32 equals plain loops in float64", "[kernels][gpu]") {
  for (const conv_case& c : few_channel_cases()) {
    REQUIRE(detail::few_channels::take(c.filter, c.g));
    check<float>(
        c, precision::float32, [](float v) { return v; }, 2e-6);
  }
}

TEST_CASE("gpu: convolution of few channels in bfloat16 equals plain loops in float64", "[kernels][gpu]") {
  for (const conv_case& c : few_channel_cases()) check<bfloat16>(c, precision::bfloat16, to_bfloat16, 1e-5);
}

TEST_CASE("gpu: convolution of few channels in TF32 equals plain loops in float64", "[kernels][gpu]") {
  for (const conv_case& c : few_channel_cases()) check<float>(c, precision::tf32, to_tf32, 1e-5);
}

TEST_CASE("gpu: few channels are up to 7, under dense filters of up to 7 x 7", "[kernels][gpu]") {
  CHECK(detail::few_channels::take({64, 7, 7, 7}, {.stride = 2, .padding = 3}));
  CHECK_FALSE(detail::few_channels::take({64, 7, 7, 8}, {}));
  CHECK_FALSE(detail::few_channels::take({64, 3, 8, 3}, {}));
  CHECK_FALSE(detail::few_channels::take({64, 3, 3, 3}, {.stride = 3}));
  CHECK_FALSE(detail::few_channels::take({64, 3, 3, 3}, {.dilation = 2}));
  CHECK_FALSE(detail::few_channels::take({64, 3, 3, 1}, {.groups = 2}));
}

}  // namespace aixcell
