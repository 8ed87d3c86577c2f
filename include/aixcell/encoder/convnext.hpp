#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/staged_network.hpp>
#include <aixcell/kernels/elementwise.hpp>
#include <aixcell/layers/activation_layer.hpp>
#include <aixcell/layers/channel_norm.hpp>
#include <aixcell/layers/convolution.hpp>
#include <aixcell/layers/layer_scale.hpp>
#include <aixcell/layers/linear.hpp>
#include <aixcell/layers/patch_convolution.hpp>
#include <aixcell/layers/series.hpp>
#include <aixcell/layers/stochastic_depth.hpp>

namespace aixcell {

namespace detail {

/// x + drop(scale * (1x1(gelu(1x1 to four times the channels(norm(depthwise 7x7(x))))))) (Liu et al. 2022, fig. 4).
template <class Device, class Real>
struct convnext_block {
  using image = tensor<Real, Device>;

  struct saved {
    typename convolution<Device, Real>::saved depthwise;
    typename linear<Device, Real>::saved widen, narrow;
    typename channel_norm<Device, Real>::saved norm;
    typename activation_layer<Device, Real>::saved act;
    typename layer_scale<Device, Real>::saved scale;
    typename stochastic_depth<Device, Real>::saved dropped;
  };

  convnext_block(context<Device>& ctx, int channels, const stochastic_depth_options& drop, random_stream& random)
      : depthwise(ctx, {.inputs = channels, .outputs = channels, .kernel = 7, .groups = channels}, random),
        norm(ctx, {.channels = channels}),
        widen(ctx, {4 * channels, channels}, random),
        narrow(ctx, {channels, 4 * channels}, random),
        scale(ctx, channels),
        dropped(ctx, drop) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto y = depthwise.forward(ctx, x, keep ? &keep->depthwise : nullptr);
    y = norm.forward(ctx, y, keep ? &keep->norm : nullptr);
    y = widen.forward(ctx, y, keep ? &keep->widen : nullptr);
    y = gelu.forward(ctx, y, keep ? &keep->act : nullptr);
    y = narrow.forward(ctx, y, keep ? &keep->narrow : nullptr);
    y = scale.forward(ctx, y, keep ? &keep->scale : nullptr);
    y = dropped.forward(ctx, y, keep ? &keep->dropped : nullptr);
    accumulate<Real>(ctx, x, y);
    return y;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    auto dx = dropped.backward(ctx, dy, kept.dropped);
    dx = scale.backward(ctx, std::move(dx), kept.scale);
    dx = narrow.backward(ctx, std::move(dx), kept.narrow);
    dx = gelu.backward(ctx, std::move(dx), kept.act);
    dx = widen.backward(ctx, std::move(dx), kept.widen);
    dx = norm.backward(ctx, std::move(dx), kept.norm);
    dx = depthwise.backward(ctx, std::move(dx), kept.depthwise);
    accumulate<Real>(ctx, dy, dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("block.0", self.depthwise);
    visit("block.2", self.norm);
    visit("block.3", self.widen);
    visit("block.5", self.narrow);
    visit("layer_scale", self.scale.factor);
    visit("stochastic_depth", self.dropped);
  }

  convolution<Device, Real> depthwise;
  channel_norm<Device, Real> norm;
  linear<Device, Real> widen, narrow;
  layer_scale<Device, Real> scale;
  stochastic_depth<Device, Real> dropped;
  activation_layer<Device, Real> gelu{activation::gelu};
};

/// Patches, then blocks; the first stage normalises after the patches, the others before.
template <class Device, class Real>
struct convnext_stage {
  struct saved {
    typename channel_norm<Device, Real>::saved norm;
    typename patch_convolution<Device, Real>::saved patches;
    typename series<convnext_block<Device, Real>>::saved blocks;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto y = x;
    if (!normalises_last) y = norm.forward(ctx, y, keep ? &keep->norm : nullptr);
    y = patches.forward(ctx, y, keep ? &keep->patches : nullptr);
    if (normalises_last) y = norm.forward(ctx, y, keep ? &keep->norm : nullptr);
    return blocks.forward(ctx, std::move(y), keep ? &keep->blocks : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    dy = blocks.backward(ctx, std::move(dy), kept.blocks);
    if (normalises_last) dy = norm.backward(ctx, std::move(dy), kept.norm);
    dy = patches.backward(ctx, std::move(dy), kept.patches);
    return normalises_last ? dy : norm.backward(ctx, std::move(dy), kept.norm);
  }

  channel_norm<Device, Real> norm;
  patch_convolution<Device, Real> patches;
  series<convnext_block<Device, Real>> blocks;
  bool normalises_last = false;
};

}  // namespace detail

/// ConvNeXt-T (Liu et al. 2022) without its classifier, tensors named as torchvision names them; branches are dropped
/// with probability rising to 0.1.
///   in   [N,H,W,C], any size from 1x1
///   out  four levels: 96, 192, 384, 768 channels at strides 4 to 32; each edge is ceil(edge above / 2)
struct convnext_tiny {
  static constexpr std::string_view name = "convnext_tiny";
  static constexpr std::array<feature_level, 4> levels{{{96, 4}, {192, 8}, {384, 16}, {768, 32}}};
  static constexpr std::array<int, 4> blocks{3, 3, 9, 3};

  template <class Device, class Real>
  struct network : detail::staged_network<Device, Real, detail::convnext_stage<Device, Real>> {
    network(context<Device>& ctx, int channels_in, random_stream& random) {
      constexpr float most_dropped = 0.1f;
      constexpr int last = blocks[0] + blocks[1] + blocks[2] + blocks[3] - 1;
      int number = 0;
      for (std::size_t i = 0; i < levels.size(); ++i) {
        const int channels = levels[i].channels, inputs = i == 0 ? channels_in : levels[i - 1].channels;
        auto& stage = this->stages.emplace_back();
        stage.normalises_last = i == 0;
        stage.norm = {ctx, {.channels = i == 0 ? channels : inputs}};
        stage.patches = {
            ctx, {.inputs = inputs, .outputs = channels, .size = i == 0 ? 4 : 2, .input_gradient = i > 0}, random};
        for (int b = 0; b < blocks[i]; ++b, ++number)
          stage.blocks.layers.emplace_back(
              ctx, channels, stochastic_depth_options{most_dropped * static_cast<float>(number) / last, random.bits()},
              random);
      }
    }

    static void for_each_member(auto& self, auto&& visit) {
      for (std::size_t i = 0; i < self.stages.size(); ++i) {
        const std::string reduction = "features." + std::to_string(2 * i) + ".";
        visit(reduction + (i == 0 ? "1" : "0"), self.stages[i].norm);
        visit(reduction + (i == 0 ? "0" : "1"), self.stages[i].patches);
        visit("features." + std::to_string(2 * i + 1), self.stages[i].blocks);
      }
    }
  };
};

static_assert(Encoder<convnext_tiny>);

}  // namespace aixcell
