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
#include <aixcell/layers/series.hpp>
#include <aixcell/layers/squeeze_excitation.hpp>

namespace aixcell {

/// What a block of a residual network turns into what.
struct residual_block_options {
  int inputs = 64;
  int width = 64;  ///< channels of the block's first convolution, before widening by its kind
  int stride = 1;
};

namespace detail {

/// The way around a residual block: the input itself, or a 1x1 convolution where channels or resolution change (He et al.
/// 2016, option B).
template <class Device, class Real>
struct shortcut {
  using unit = conv_norm_act<Device, Real>;
  using saved = typename unit::saved;

  shortcut() = default;
  shortcut(context<Device>& ctx, int inputs, int outputs, int stride, random_stream& random) {
    if (stride != 1 || inputs != outputs)
      projection.emplace(
          ctx,
          conv_norm_act_options{
              .inputs = inputs, .outputs = outputs, .kernel = 1, .stride = stride, .act = activation::none},
          random);
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    return projection ? projection->forward(ctx, x, keep) : x;
  }
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    return projection ? projection->backward(ctx, std::move(dy), kept) : dy;
  }

  static void for_each_member(auto& self, auto&& visit) {
    if (self.projection) visit_conv_norm(visit, "0", "1", *self.projection);
  }

  std::optional<unit> projection;
};

}  // namespace detail

/// Two 3x3 convolutions and a way around them (He et al. 2016, fig. 2; torchvision's BasicBlock, names included).
template <class Device, class Real>
struct basic_block {
  using image = tensor<Real, Device>;
  using unit = conv_norm_act<Device, Real>;

  static constexpr int expansion = 1;  ///< output channels for each of `width`

  struct saved {
    typename unit::saved first, second;
    typename detail::shortcut<Device, Real>::saved around;
  };

  basic_block(context<Device>& ctx, const residual_block_options& o, random_stream& random)
      : first(ctx, {.inputs = o.inputs, .outputs = o.width, .stride = o.stride}, random),
        second(ctx, {.inputs = o.width, .outputs = o.width}, random),
        around(ctx, o.inputs, o.width, o.stride, random) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    const auto inner = first.forward(ctx, x, keep ? &keep->first : nullptr);
    return second.forward(ctx, inner, around.forward(ctx, x, keep ? &keep->around : nullptr),
                          keep ? &keep->second : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    auto d = second.backward_residual(ctx, std::move(dy), kept.second);
    auto dx = first.backward(ctx, std::move(d.dx), kept.first);
    accumulate<Real>(ctx, around.backward(ctx, std::move(d.dresidual), kept.around), dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit_conv_norm(visit, "conv1", "bn1", self.first);
    visit_conv_norm(visit, "conv2", "bn2", self.second);
    visit("downsample", self.around);
  }

  unit first, second;
  detail::shortcut<Device, Real> around;
};

/// How a bottleneck differs from the plain one.
struct bottleneck_kind {
  int groups = 1;
  int width_per_group = 64;
  bool squeeze_excitation = false;  ///< with 1/16 of the channels, before the addition (Hu et al. 2018, fig. 3)
};

/// 1x1, 3x3 and 1x1 convolutions to four times the width, with a way around them (He et al. 2016, fig. 5; the stride in
/// the 3x3 convolution; torchvision's Bottleneck, names included). With groups: ResNeXt (Xie et al. 2017, fig. 3c).
template <class Device, class Real, bottleneck_kind Kind = bottleneck_kind{}>
struct bottleneck_block {
  using image = tensor<Real, Device>;
  using unit = conv_norm_act<Device, Real>;
  using gate = squeeze_excitation<Device, Real>;

  static constexpr int expansion = 4;

  struct saved {
    typename unit::saved first, second, third;
    typename detail::shortcut<Device, Real>::saved around;
    typename gate::saved se;
    tensor<Real, Device> sum;  ///< what the last ReLU saw, with squeeze-and-excitation
  };

  bottleneck_block(context<Device>& ctx, const residual_block_options& o, random_stream& random) {
    const int inner = o.width * Kind.width_per_group / 64 * Kind.groups, outputs = expansion * o.width;
    first = {ctx, {.inputs = o.inputs, .outputs = inner, .kernel = 1}, random};
    second = {ctx, {.inputs = inner, .outputs = inner, .stride = o.stride, .groups = Kind.groups}, random};
    third = {ctx,
             {.inputs = inner,
              .outputs = outputs,
              .kernel = 1,
              .act = Kind.squeeze_excitation ? activation::none : activation::relu},
             random};
    if (Kind.squeeze_excitation)
      se.emplace(ctx, squeeze_excitation_options{.channels = outputs, .squeezed = outputs / 16}, random);
    around = {ctx, o.inputs, outputs, o.stride, random};
  }

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto y = first.forward(ctx, x, keep ? &keep->first : nullptr);
    y = second.forward(ctx, y, keep ? &keep->second : nullptr);
    const auto beside = around.forward(ctx, x, keep ? &keep->around : nullptr);
    if (!se) return third.forward(ctx, y, beside, keep ? &keep->third : nullptr);
    y = third.forward(ctx, y, keep ? &keep->third : nullptr);
    y = se->forward(ctx, y, keep ? &keep->se : nullptr);
    accumulate<Real>(ctx, beside, y);
    tensor<Real, Device> z(ctx, y.shape());
    apply_activation<Real>(ctx, y, activation::relu, z);
    if (keep) keep->sum = std::move(y);
    return z;
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    residual_gradients<Real, Device> d;
    if (se) {
      d.dresidual = tensor<Real, Device>(ctx, dy.shape());
      activation_backward<Real>(ctx, dy, std::exchange(kept.sum, {}), activation::relu, d.dresidual);
      d.dx = third.backward(ctx, se->backward(ctx, d.dresidual, kept.se), kept.third);
    } else {
      d = third.backward_residual(ctx, std::move(dy), kept.third);
    }
    auto dx = second.backward(ctx, std::move(d.dx), kept.second);
    dx = first.backward(ctx, std::move(dx), kept.first);
    accumulate<Real>(ctx, around.backward(ctx, std::move(d.dresidual), kept.around), dx);
    return dx;
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit_conv_norm(visit, "conv1", "bn1", self.first);
    visit_conv_norm(visit, "conv2", "bn2", self.second);
    visit_conv_norm(visit, "conv3", "bn3", self.third);
    if (self.se) visit("se_module", *self.se);
    visit("downsample", self.around);
  }

  unit first, second, third;
  std::optional<gate> se;
  detail::shortcut<Device, Real> around;
};

namespace detail {

/// How the tensors of the stem are named, and how far its maximum starts outside the image.
struct torchvision_stem {
  static constexpr std::string_view conv = "conv1", norm = "bn1";
  static constexpr int pool_padding = 1;
};
struct senet_stem {
  static constexpr std::string_view conv = "layer0.conv1", norm = "layer0.bn1";
  static constexpr int pool_padding = 0;
};

/// What the residual networks share: as many blocks as given at strides 4, 8, 16 and 32.
template <template <class, class> class Block, class Stem, int... Blocks>
struct resnet {
  static constexpr std::array<int, 4> blocks{Blocks...};
  static constexpr int expansion = Block<cpu, float>::expansion;
  static constexpr std::array<feature_level, 5> levels{
      {{64, 2}, {64 * expansion, 4}, {128 * expansion, 8}, {256 * expansion, 16}, {512 * expansion, 32}}};

  template <class Device, class Real>
  struct network {
    using block = Block<Device, Real>;

    struct saved {
      typename conv_norm_act<Device, Real>::saved stem;
      typename max_pooling<Device, Real>::saved pool;
      std::array<typename series<block>::saved, 4> layers;
    };

    network(context<Device>& ctx, int channels_in, random_stream& random)
        : stem(ctx, {.inputs = channels_in, .outputs = 64, .kernel = 7, .stride = 2, .input_gradient = false}, random) {
      for (std::size_t i = 0; i < 4; ++i)
        for (int b = 0; b < blocks[i]; ++b)
          layers[i].layers.emplace_back(
              ctx,
              residual_block_options{
                  .inputs = levels[b == 0 ? i : i + 1].channels, .width = 64 << i, .stride = b == 0 && i > 0 ? 2 : 1},
              random);
    }

    std::vector<tensor<Real, Device>> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
      std::vector<tensor<Real, Device>> features{stem.forward(ctx, x, keep ? &keep->stem : nullptr)};
      auto y = pool.forward(ctx, features[0], keep ? &keep->pool : nullptr);
      for (std::size_t i = 0; i < 4; ++i) {
        y = layers[i].forward(ctx, std::move(y), keep ? &keep->layers[i] : nullptr);
        features.push_back(y);
      }
      return features;
    }

    void backward(context<Device>& ctx, std::vector<tensor<Real, Device>> dlevels, saved& kept) {
      tensor<Real, Device> dy;
      for (std::size_t i = 4; i-- > 0;) {
        dy = add_gradients<Real>(ctx, std::move(dy), std::exchange(dlevels[i + 1], {}));
        if (!dy.empty()) dy = layers[i].backward(ctx, std::move(dy), kept.layers[i]);  // else nobody used this level
      }
      if (!dy.empty()) dy = pool.backward(ctx, std::move(dy), kept.pool);
      dy = add_gradients<Real>(ctx, std::move(dy), std::exchange(dlevels[0], {}));
      if (!dy.empty()) stem.backward(ctx, std::move(dy), kept.stem);
      kept = {};
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit_conv_norm(visit, Stem::conv, Stem::norm, self.stem);
      visit("layer1", self.layers[0]);
      visit("layer2", self.layers[1]);
      visit("layer3", self.layers[2]);
      visit("layer4", self.layers[3]);
    }

    conv_norm_act<Device, Real> stem;
    max_pooling<Device, Real> pool{{.window = 3, .stride = 2, .padding = Stem::pool_padding}};
    std::array<series<block>, 4> layers;
  };
};

template <class Device, class Real>
using resnext_se_block =
    bottleneck_block<Device, Real, bottleneck_kind{.groups = 32, .width_per_group = 4, .squeeze_excitation = true}>;
template <class Device, class Real>
using plain_bottleneck_block = bottleneck_block<Device, Real>;

}  // namespace detail

/// Residual networks (He et al. 2016, table 1) without their classifier, tensors named as torchvision names them.
///   in   [N,H,W,C], any size from 1x1
///   out  five levels: the 7x7 stem before its maximum (64 channels, stride 2), then 64, 128, 256, 512 channels (four
///        times as many with bottlenecks) at strides 4 to 32; each edge is ceil(edge above / 2)
struct resnet18 : detail::resnet<basic_block, detail::torchvision_stem, 2, 2, 2, 2> {
  static constexpr std::string_view name = "resnet18";
};

struct resnet34 : detail::resnet<basic_block, detail::torchvision_stem, 3, 4, 6, 3> {
  static constexpr std::string_view name = "resnet34";
};

struct resnet50 : detail::resnet<detail::plain_bottleneck_block, detail::torchvision_stem, 3, 4, 6, 3> {
  static constexpr std::string_view name = "resnet50";
};

/// ResNeXt-50 32x4d with squeeze-and-excitation (Hu et al. 2018; Xie et al. 2017), tensors named as the authors' release
/// does: layer0.conv1, layer1.0.se_module.fc1, ...
struct se_resnext50_32x4d : detail::resnet<detail::resnext_se_block, detail::senet_stem, 3, 4, 6, 3> {
  static constexpr std::string_view name = "se_resnext50_32x4d";
};

static_assert(Encoder<resnet18> && Encoder<resnet34> && Encoder<resnet50> && Encoder<se_resnext50_32x4d>);

}  // namespace aixcell
