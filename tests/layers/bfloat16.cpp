#include "layers/random_tensor.hpp"
#include "support/catch.hpp"

#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/channel_norm.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/layer_scale.hpp>
#include <aixcell/layers/linear.hpp>
#include <aixcell/layers/patch_convolution.hpp>
#include <aixcell/layers/pooling.hpp>
#include <aixcell/layers/separable_unit.hpp>
#include <aixcell/layers/squeeze_excitation.hpp>
#include <aixcell/layers/transposed_convolution.hpp>
#include <aixcell/layers/up_sampling.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>

// Layers whose images are stored as bfloat16 against the same layers in float64: they differ by rounding only. A value is
// rounded a few times on its way through a layer, by 2^-9 of itself each time.

namespace aixcell {
namespace {

constexpr double rounding = 0.02;  // of the largest value

template <template <class, class> class Layer, class Make>
double difference(const shape& x, Make&& make) {
  context<cpu> ctx(2);
  auto stored = make.template operator()<Layer<cpu, bfloat16>>(ctx);
  auto exact = make.template operator()<Layer<cpu, double>>(ctx);
  shake(exact);
  return float_path_difference<bfloat16>(ctx, stored, exact, x);
}

template <class Device, class Real>
using unit = conv_norm_act<Device, Real>;
template <class Device, class Real>
using group_unit = conv_norm_act<Device, Real, group_norm>;

}  // namespace

TEST_CASE("layers in bfloat16 equal layers in float64 but for rounding", "[layers][cpu]") {
  random_stream random(1);
  const shape odd{2, 9, 7, 5}, wide{2, 10, 12, 32};
  for (const shape& x : {odd, wide}) {
    const int channels = static_cast<int>(x[3]);
    CAPTURE(to_string(x));
    CHECK(difference<convolution>(x, [&]<class L>(auto& ctx) {
            return L(ctx, {.inputs = channels, .outputs = 18}, random);
          }) < rounding);
    CHECK(difference<unit>(x, [&]<class L>(auto& ctx) {
            return L(ctx, {.inputs = channels, .outputs = 16, .stride = 2}, random);
          }) < 3 * rounding);
    CHECK(difference<group_unit>(x, [&]<class L>(auto& ctx) {
            return L(ctx, {.inputs = channels, .outputs = 16, .act = activation::silu, .norm_groups = 4}, random);
          }) < 3 * rounding);
    CHECK(difference<transposed_convolution>(x, [&]<class L>(auto& ctx) {
            return L(ctx, {.inputs = channels, .outputs = 7}, random);
          }) < rounding);
    CHECK(difference<linear>(x, [&]<class L>(auto& ctx) { return L(ctx, {11, channels}, random); }) < rounding);
    CHECK(difference<channel_norm>(x, [&]<class L>(auto& ctx) { return L(ctx, {.channels = channels}); }) <
          3 * rounding);
    CHECK(difference<squeeze_excitation>(x, [&]<class L>(auto& ctx) {
            return L(ctx, {.channels = channels, .squeezed = 3}, random);
          }) < 3 * rounding);
    CHECK(difference<layer_scale>(x, [&]<class L>(auto& ctx) { return L(ctx, channels, 0.5); }) < rounding);
    CHECK(difference<separable_unit>(x, [&]<class L>(auto& ctx) {
            return L(ctx, {.inputs = channels, .outputs = 12}, random);
          }) < 3 * rounding);
  }
}

}  // namespace aixcell
