#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/inverted_residual.hpp>
#include <aixcell/encoder/detail/staged_network.hpp>

namespace aixcell {

namespace detail {

/// What compound scaling multiplies, in tenths (Tan & Le 2019, table 8 of the code release).
struct efficientnet_scale {
  int width, depth;
};
inline constexpr std::array<efficientnet_scale, 5> efficientnet_scales{
    {{10, 10}, {10, 11}, {11, 12}, {12, 14}, {14, 18}}};

/// To a multiple of 8, and not below nine tenths of what was asked for.
constexpr int scaled_width(int channels, int tenths) {
  const int wanted = channels * tenths;  // in tenths of a channel
  const int rounded = std::max(8, (wanted + 40) / 80 * 8);
  return rounded * 100 < wanted * 9 ? rounded + 8 : rounded;
}
constexpr int scaled_depth(int blocks, int tenths) { return (blocks * tenths + 9) / 10; }

struct mbconv_group {
  int expansion, kernel, stride, channels, blocks;
};
inline constexpr std::array<mbconv_group, 7> mbconv_groups{{{1, 3, 1, 16, 1},
                                                            {6, 3, 2, 24, 2},
                                                            {6, 5, 2, 40, 2},
                                                            {6, 3, 2, 80, 3},
                                                            {6, 5, 1, 112, 3},
                                                            {6, 5, 2, 192, 4},
                                                            {6, 3, 1, 320, 1}}};

}  // namespace detail

/// EfficientNet-B0 and its enlargements up to B4 (Tan & Le 2019) without the last 1x1 convolution and the classifier,
/// tensors named as torchvision names them. Branches are dropped with probability rising to 0.2.
///   in   [N,H,W,C], any size from 1x1
///   out  five levels, for B0: 16, 24, 40, 112, 320 channels at strides 2 to 32; each edge is ceil(edge above / 2)
template <int Size>
struct efficientnet {
  static_assert(Size >= 0 && Size <= 4, "efficientnet sizes are 0 (B0) to 4 (B4)");

  static constexpr std::array<char, 15> name_text{'e', 'f', 'f', 'i', 'c', 'i', 'e',       'n',
                                                  't', 'n', 'e', 't', '_', 'b', '0' + Size};
  static constexpr std::string_view name{name_text.data(), name_text.size()};

  static constexpr int width(int channels) {
    return detail::scaled_width(channels, detail::efficientnet_scales[Size].width);
  }
  static constexpr int depth(int blocks) {
    return detail::scaled_depth(blocks, detail::efficientnet_scales[Size].depth);
  }

  static constexpr std::array<feature_level, 5> levels{
      {{width(16), 2}, {width(24), 4}, {width(40), 8}, {width(112), 16}, {width(320), 32}}};

  template <class Device, class Real>
  struct network : detail::staged_network<Device, Real, detail::inverted_residual_stage<Device, Real>> {
    network(context<Device>& ctx, int channels_in, random_stream& random) {
      constexpr float most_dropped = 0.2f;
      int all_blocks = 0, number = 0, inputs = width(32);
      for (const detail::mbconv_group& g : detail::mbconv_groups) all_blocks += depth(g.blocks);
      this->stages.emplace_back();
      this->stages[0].before.emplace(
          ctx,
          conv_norm_act_options{
              .inputs = channels_in, .outputs = inputs, .stride = 2, .act = activation::silu, .input_gradient = false},
          random);
      for (const detail::mbconv_group& g : detail::mbconv_groups)
        for (int b = 0; b < depth(g.blocks); ++b, ++number) {
          const int stride = b == 0 ? g.stride : 1;
          if (stride == 2) this->stages.emplace_back();
          this->stages.back().blocks.layers.emplace_back(
              ctx,
              detail::inverted_residual_options{
                  .inputs = inputs,
                  .outputs = width(g.channels),
                  .expansion = g.expansion,
                  .kernel = g.kernel,
                  .stride = stride,
                  .act = activation::silu,
                  .squeezed = std::max(1, inputs / 4),
                  .drop = most_dropped * static_cast<float>(number) / static_cast<float>(all_blocks),
                  .seed = random.bits()},
              random);
          inputs = width(g.channels);
        }
    }

    static void for_each_member(auto& self, auto&& visit) {
      const auto unit = [&](const std::string& path, auto& u) { visit_conv_norm(visit, path + ".0", path + ".1", u); };
      unit("features.0", *self.stages[0].before);
      std::size_t group = 0;
      int in_group = 0;
      for (auto& stage : self.stages)
        for (auto& block : stage.blocks.layers) {
          const std::string path = "features." + std::to_string(group + 1) + "." + std::to_string(in_group) + ".";
          int layer = 0;
          const auto next = [&] { return path + "block." + std::to_string(layer++); };
          if (block.expand) unit(next(), *block.expand);
          unit(next(), block.depthwise);
          visit(next(), *block.se);
          unit(next(), block.project);
          visit(path + "stochastic_depth", block.dropped);
          if (++in_group == depth(detail::mbconv_groups[group].blocks)) ++group, in_group = 0;
        }
    }
  };
};

using efficientnet_b0 = efficientnet<0>;

static_assert(Encoder<efficientnet_b0> && efficientnet_b0::name == "efficientnet_b0");

}  // namespace aixcell
