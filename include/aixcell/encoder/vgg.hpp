#pragma once
#include <array>
#include <string_view>
#include <utility>

#include <aixcell/core/stages.hpp>
#include <aixcell/encoder/detail/plain_stage.hpp>
#include <aixcell/encoder/detail/staged_network.hpp>

namespace aixcell {

/// The convolutions of VGG-16 with batch normalisation (Simonyan & Zisserman 2015, configuration D), tensors named as
/// torchvision names them: features.0.weight, features.1.running_mean, ...
///   in   [N,H,W,C], any size from 1x1
///   out  five levels: 128, 256, 512, 512 channels at strides 2 to 16, and the last one's maximum at stride 32; each edge
///        is ceil(edge above / 2). The 64 channels at the resolution of the image are no level, as in
///        segmentation_models_pytorch.
struct vgg16_bn {
  static constexpr std::string_view name = "vgg16_bn";
  static constexpr std::array<feature_level, 5> levels{{{128, 2}, {256, 4}, {512, 8}, {512, 16}, {512, 32}}};

  template <class Device, class Real>
  struct network : detail::staged_network<Device, Real, detail::plain_stage<Device, Real>> {
    network(context<Device>& ctx, int channels_in, random_stream& random) {
      struct width_and_depth {
        int channels, units;
      };
      this->unnamed = 1;
      int inputs = channels_in;
      for (const auto& [channels, units] :
           std::array<width_and_depth, 6>{{{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}, {512, 0}}}) {
        auto& stage = this->stages.emplace_back();
        if (this->stages.size() > 1) stage.pool.emplace();
        for (int k = 0; k < units; ++k) {
          const bool first = this->stages.size() == 1 && k == 0;
          stage.units.layers.emplace_back(
              ctx, conv_norm_act_options{.inputs = inputs, .outputs = channels, .bias = true, .input_gradient = !first},
              random);
          inputs = channels;
        }
      }
    }

    /// torchvision counts every layer: convolution, normalisation, ReLU, and after each stage the maximum.
    static void for_each_member(auto& self, auto&& visit) {
      int layer = 0;
      for (auto& stage : self.stages) {
        for (auto& unit : stage.units.layers) {
          visit_conv_norm(visit, "features." + std::to_string(layer), "features." + std::to_string(layer + 1), unit);
          layer += 3;
        }
        ++layer;
      }
    }
  };
};

static_assert(Encoder<vgg16_bn>);

}  // namespace aixcell
