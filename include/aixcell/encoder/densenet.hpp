#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/staged_network.hpp>
#include <aixcell/layers/concatenation.hpp>
#include <aixcell/layers/conv_norm_act.hpp>
#include <aixcell/layers/pooling.hpp>

namespace aixcell {

namespace detail {

inline constexpr int densenet_growth = 32;

/// Normalisation, ReLU, 1x1 convolution to 128 channels, normalisation, ReLU, 3x3 convolution to 32 (Huang et al. 2017,
/// DenseNet-BC).
template <class Device, class Real>
struct dense_layer {
  using normalised = batch_norm<Device, Real>;
  using unit = conv_norm_act<Device, Real>;

  struct saved {
    typename normalised::saved norm;
    typename unit::saved narrow;
    typename convolution<Device, Real>::saved conv;
  };

  dense_layer(context<Device>& ctx, int inputs, random_stream& random)
      : norm(ctx, {.channels = inputs}, random),
        narrow(ctx, {.inputs = inputs, .outputs = 4 * densenet_growth, .kernel = 1}, random),
        conv(ctx, {.inputs = 4 * densenet_growth, .outputs = densenet_growth, .bias = false}, random) {}

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    auto y = norm.forward(ctx, x, {.residual = {}, .act = activation::relu}, keep ? &keep->norm : nullptr);
    y = narrow.forward(ctx, y, keep ? &keep->narrow : nullptr);
    return conv.forward(ctx, y, keep ? &keep->conv : nullptr);
  }
  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    dy = narrow.backward(ctx, conv.backward(ctx, std::move(dy), kept.conv), kept.narrow);
    return norm.backward(ctx, std::move(dy), kept.norm);
  }

  static void for_each_member(auto& self, auto&& visit) {
    visit("norm1", self.norm);
    visit("conv1", self.narrow.conv);
    visit("norm2", self.narrow.norm);
    visit("conv2", self.conv);
  }

  normalised norm;
  unit narrow;
  convolution<Device, Real> conv;
};

/// From one feature level to the next: the stem; or a reduction (the stem's maximum, or the second half of a
/// transition), a dense block, and the normalisation at its end.
template <class Device, class Real>
struct dense_stage {
  using layer = dense_layer<Device, Real>;

  struct saved {
    typename conv_norm_act<Device, Real>::saved stem;
    typename max_pooling<Device, Real>::saved maximum;
    typename convolution<Device, Real>::saved narrow;
    typename average_pooling<Device, Real>::saved mean;
    std::vector<typename layer::saved> layers;
    std::vector<typename concatenation<Device, Real>::saved> joins;
    typename batch_norm<Device, Real>::saved norm;
  };

  tensor<Real, Device> forward(context<Device>& ctx, const tensor<Real, Device>& x, saved* keep) const {
    if (stem) return stem->forward(ctx, x, keep ? &keep->stem : nullptr);
    if (keep) keep->layers.resize(layers.size()), keep->joins.resize(layers.size());
    auto y = x;
    if (narrow) {
      y = narrow->forward(ctx, y, keep ? &keep->narrow : nullptr);
      y = mean.forward(ctx, y, keep ? &keep->mean : nullptr);
    } else {
      y = maximum.forward(ctx, y, keep ? &keep->maximum : nullptr);
    }
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto grown = layers[i].forward(ctx, y, keep ? &keep->layers[i] : nullptr);
      y = join.forward(ctx, y, grown, keep ? &keep->joins[i] : nullptr);
    }
    return norm.forward(ctx, y, {.residual = {}, .act = act}, keep ? &keep->norm : nullptr);
  }

  tensor<Real, Device> backward(context<Device>& ctx, tensor<Real, Device> dy, saved& kept) {
    if (stem) return stem->backward(ctx, std::move(dy), kept.stem);
    dy = norm.backward(ctx, std::move(dy), kept.norm);
    for (std::size_t i = layers.size(); i-- > 0;) {
      auto d = join.backward(ctx, std::move(dy), kept.joins[i]);
      dy = std::move(d.da);
      accumulate<Real>(ctx, layers[i].backward(ctx, std::move(d.db), kept.layers[i]), dy);
    }
    if (!narrow) return maximum.backward(ctx, std::move(dy), kept.maximum);
    return narrow->backward(ctx, mean.backward(ctx, std::move(dy), kept.mean), kept.narrow);
  }

  std::optional<conv_norm_act<Device, Real>> stem;
  max_pooling<Device, Real> maximum{{.window = 3, .stride = 2, .padding = 1}};
  std::optional<convolution<Device, Real>> narrow;
  average_pooling<Device, Real> mean{{.window = 2, .stride = 2}};
  std::vector<layer> layers;
  concatenation<Device, Real> join;
  batch_norm<Device, Real> norm;
  activation act = activation::relu;
};

}  // namespace detail

/// DenseNet-121 (Huang et al. 2017, table 1) without its classifier, tensors named as torchvision names them.
///   in   [N,H,W,C], any size from 1x1
///   out  five levels: the stem (64 channels, stride 2); 256, 512, 1024 channels at strides 4 to 16, as the transitions
///        see them after normalisation and ReLU; 1024 channels at stride 32, normalised; each edge is ceil(edge above / 2)
struct densenet121 {
  static constexpr std::string_view name = "densenet121";
  static constexpr std::array<feature_level, 5> levels{{{64, 2}, {256, 4}, {512, 8}, {1024, 16}, {1024, 32}}};

  template <class Device, class Real>
  struct network : detail::staged_network<Device, Real, detail::dense_stage<Device, Real>> {
    network(context<Device>& ctx, int channels_in, random_stream& random) {
      this->stages.emplace_back();
      this->stages[0].stem.emplace(
          ctx,
          conv_norm_act_options{
              .inputs = channels_in, .outputs = 64, .kernel = 7, .stride = 2, .input_gradient = false},
          random);
      int channels = 64;
      for (const int layers : {6, 12, 24, 16}) {
        const bool first = this->stages.size() == 1;
        auto& stage = this->stages.emplace_back();
        if (!first) {
          stage.narrow.emplace(
              ctx, convolution_options{.inputs = channels, .outputs = channels / 2, .kernel = 1, .bias = false},
              random);
          channels /= 2;
        }
        for (int i = 0; i < layers; ++i, channels += detail::densenet_growth)
          stage.layers.emplace_back(ctx, channels, random);
        stage.norm = {ctx, {.channels = channels}, random};
      }
      this->stages.back().act = activation::none;
    }

    static void for_each_member(auto& self, auto&& visit) {
      visit_conv_norm(visit, "features.conv0", "features.norm0", *self.stages[0].stem);
      for (std::size_t i = 1; i < self.stages.size(); ++i) {
        auto& stage = self.stages[i];
        const std::string number = std::to_string(i);
        if (stage.narrow) visit("features.transition" + std::to_string(i - 1) + ".conv", *stage.narrow);
        for (std::size_t k = 0; k < stage.layers.size(); ++k)
          visit("features.denseblock" + number + ".denselayer" + std::to_string(k + 1), stage.layers[k]);
        visit(i + 1 < self.stages.size() ? "features.transition" + number + ".norm" : "features.norm5", stage.norm);
      }
    }
  };
};

static_assert(Encoder<densenet121>);

}  // namespace aixcell
