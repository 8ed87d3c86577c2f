#pragma once
#include <array>
#include <string>
#include <string_view>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/inverted_residual.hpp>
#include <aixcell/encoder/detail/staged_network.hpp>

namespace aixcell {

/// MobileNetV2 (Sandler et al. 2018, table 2) without its classifier, tensors named as torchvision names them.
///   in   [N,H,W,C], any size from 1x1
///   out  five levels: 16, 24, 32, 96, 1280 channels at strides 2 to 32; each edge is ceil(edge above / 2)
struct mobilenet_v2 {
  static constexpr std::string_view name = "mobilenet_v2";
  static constexpr std::array<feature_level, 5> levels{{{16, 2}, {24, 4}, {32, 8}, {96, 16}, {1280, 32}}};

  template <class Device, class Real>
  struct network : detail::staged_network<Device, Real, detail::inverted_residual_stage<Device, Real>> {
    network(context<Device>& ctx, int channels_in, random_stream& random) {
      struct group {
        int expansion, channels, blocks, stride;
      };
      constexpr std::array<group, 7> groups{
          {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}}};
      this->stages.emplace_back();
      this->stages[0].before.emplace(
          ctx,
          conv_norm_act_options{
              .inputs = channels_in, .outputs = 32, .stride = 2, .act = activation::relu6, .input_gradient = false},
          random);
      int inputs = 32;
      for (const group& g : groups)
        for (int b = 0; b < g.blocks; ++b) {
          const int stride = b == 0 ? g.stride : 1;
          if (stride == 2) this->stages.emplace_back();
          this->stages.back().blocks.layers.emplace_back(
              ctx,
              detail::inverted_residual_options{
                  .inputs = inputs, .outputs = g.channels, .expansion = g.expansion, .stride = stride},
              random);
          inputs = g.channels;
        }
      this->stages.back().after.emplace(
          ctx, conv_norm_act_options{.inputs = inputs, .outputs = 1280, .kernel = 1, .act = activation::relu6}, random);
    }

    static void for_each_member(auto& self, auto&& visit) {
      int position = 0;
      const auto unit = [&](const std::string& path, auto& u) { visit_conv_norm(visit, path + ".0", path + ".1", u); };
      for (auto& stage : self.stages) {
        if (stage.before) unit("features." + std::to_string(position++), *stage.before);
        for (auto& block : stage.blocks.layers) {
          const std::string path = "features." + std::to_string(position++) + ".conv.";
          int layer = 0;
          if (block.expand) unit(path + std::to_string(layer++), *block.expand);
          unit(path + std::to_string(layer++), block.depthwise);
          visit_conv_norm(visit, path + std::to_string(layer), path + std::to_string(layer + 1), block.project);
        }
        if (stage.after) unit("features." + std::to_string(position++), *stage.after);
      }
    }
  };
};

static_assert(Encoder<mobilenet_v2>);

}  // namespace aixcell
