#pragma once
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/level_gradients.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/pooling.hpp>

namespace aixcell {

/// Two 3x3 convolutions and a way around them, which is a 1x1 convolution where channels or resolution change
/// (He et al. 2016, fig. 2; torchvision's BasicBlock, names included).
template <class Device, class Real>
struct basic_block {
  using unit = conv_norm_act<Device, Real>;

  struct saved {
    typename unit::saved first, second, downsample;
  };

  basic_block(context<Device>& ctx, const conv_norm_act_options& o, random_stream& random)
      : first(ctx, {.inputs = o.inputs, .outputs = o.outputs, .stride = o.stride}, random),
        second(ctx, {.inputs = o.outputs, .outputs = o.outputs}, random) {
    if (o.stride != 1 || o.inputs != o.outputs)
      downsample.emplace(
          ctx,
          conv_norm_act_options{
              .inputs = o.inputs, .outputs = o.outputs, .kernel = 1, .stride = o.stride, .act = activation::none},
          random);
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    const auto inner = first.forward(ctx, x, keep ? &keep->first : nullptr);
    const auto around = downsample ? downsample->forward(ctx, x, keep ? &keep->downsample : nullptr) : x;
    return second.forward(ctx, inner, around, keep ? &keep->second : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    auto d = second.backward_residual(ctx, std::move(dy), kept.second);
    auto dx = first.backward(ctx, std::move(d.dx), kept.first);
    if (downsample) d.dresidual = downsample->backward(ctx, std::move(d.dresidual), kept.downsample);
    accumulate<Real>(ctx, d.dresidual, dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("conv1", self.first.conv);
    visit("bn1", self.first.norm);
    visit("conv2", self.second.conv);
    visit("bn2", self.second.norm);
    if (self.downsample) {
      visit("downsample.0", self.downsample->conv);
      visit("downsample.1", self.downsample->norm);
    }
  }

  unit first, second;
  std::optional<unit> downsample;
};

namespace detail {

/// What the residual networks share: as many basic blocks as given at strides 4, 8, 16 and 32.
template <int... Blocks>
struct resnet {
  static constexpr std::array<int, 4> blocks{Blocks...};
  static constexpr std::array<feature_level, 5> levels{{{64, 2}, {64, 4}, {128, 8}, {256, 16}, {512, 32}}};

  template <class Device, class Real>
  struct network {
    using block = basic_block<Device, Real>;

    struct saved {
      typename conv_norm_act<Device, Real>::saved stem;
      typename max_pooling<Device, Real>::saved pool;
      std::array<std::vector<typename block::saved>, 4> layers;
    };

    network(context<Device>& ctx, int channels_in, random_stream& random)
        : stem(ctx, {.inputs = channels_in, .outputs = 64, .kernel = 7, .stride = 2, .input_gradient = false}, random) {
      for (std::size_t i = 0; i < 4; ++i)
        for (int b = 0; b < blocks[i]; ++b)
          layers[i].emplace_back(ctx,
                                 conv_norm_act_options{.inputs = levels[b == 0 ? i : i + 1].channels,
                                                       .outputs = levels[i + 1].channels,
                                                       .stride = b == 0 && i > 0 ? 2 : 1},
                                 random);
    }

    std::vector<tensor<Real, Device>> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
      std::vector<tensor<Real, Device>> features{stem.forward(ctx, x, keep ? &keep->stem : nullptr)};
      auto y = pool.forward(ctx, features[0], keep ? &keep->pool : nullptr);
      for (std::size_t i = 0; i < 4; ++i) {
        if (keep) keep->layers[i].resize(layers[i].size());
        for (std::size_t b = 0; b < layers[i].size(); ++b)
          y = layers[i][b].forward(ctx, y, keep ? &keep->layers[i][b] : nullptr);
        features.push_back(y);
      }
      return features;
    }

    void backward(context<Device>& ctx, std::vector<tensor<Real, Device>> dlevels, saved& kept) {
      tensor<Real, Device> dy;
      for (std::size_t i = 4; i-- > 0;) {
        dy = add_gradients<Real>(ctx, std::move(dy), std::exchange(dlevels[i + 1], {}));
        if (dy.empty()) continue;  // nobody used this level
        for (std::size_t b = layers[i].size(); b-- > 0;)
          dy = layers[i][b].backward(ctx, std::move(dy), kept.layers[i][b]);
      }
      if (!dy.empty()) dy = pool.backward(ctx, std::move(dy), kept.pool);
      dy = add_gradients<Real>(ctx, std::move(dy), std::exchange(dlevels[0], {}));
      if (!dy.empty()) stem.backward(ctx, std::move(dy), kept.stem);
      kept = {};
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit("conv1", self.stem.conv);
      visit("bn1", self.stem.norm);
      visit("layer1", self.layers[0]);
      visit("layer2", self.layers[1]);
      visit("layer3", self.layers[2]);
      visit("layer4", self.layers[3]);
    }

    conv_norm_act<Device, Real> stem;
    max_pooling<Device, Real> pool{{.window = 3, .stride = 2, .padding = 1}};
    std::array<std::vector<block>, 4> layers;
  };
};

}  // namespace detail

/// Residual networks (He et al. 2016, table 1) without their classifier, tensors named as torchvision names them.
///   in   [N,H,W,C], any size from 1x1
///   out  five levels: the 7x7 stem before its maximum (64 channels, stride 2), then 64, 128, 256, 512 channels at
///        strides 4 to 32; each edge is ceil(edge above / 2)
struct resnet18 : detail::resnet<2, 2, 2, 2> {
  static constexpr std::string_view name = "resnet18";
};

struct resnet34 : detail::resnet<3, 4, 6, 3> {
  static constexpr std::string_view name = "resnet34";
};

static_assert(Encoder<resnet18> && Encoder<resnet34>);

}  // namespace aixcell
