#pragma once
#include <map>
#include <string>
#include <tuple>

#include <aixcell/core/tensor.hpp>
#include <aixcell/decoder/deeplab_v3_plus.hpp>
#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/linknet.hpp>
#include <aixcell/decoder/pspnet.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/decoder/unet_plus_plus.hpp>
#include <aixcell/encoder/convnext.hpp>
#include <aixcell/encoder/densenet.hpp>
#include <aixcell/encoder/efficientnet.hpp>
#include <aixcell/encoder/mobilenet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/encoder/vgg.hpp>

namespace aixcell {

template <class Enc, class Dec>
struct network_of {
  using encoder = Enc;
  using decoder = Dec;
};

/// All networks that are compared with a reference; networks.txt names them with the images they are compared on.
using compared_networks =
    std::tuple<network_of<vgg16_bn, unet>, network_of<vgg16_bn, linknet>, network_of<vgg16_bn, fpn>,
               network_of<resnet34, unet>, network_of<resnet34, linknet>, network_of<resnet34, fpn>,
               network_of<se_resnext50_32x4d, unet>, network_of<se_resnext50_32x4d, linknet>,
               network_of<se_resnext50_32x4d, fpn>, network_of<densenet121, unet>, network_of<densenet121, linknet>,
               network_of<densenet121, fpn>, network_of<mobilenet_v2, unet>, network_of<mobilenet_v2, linknet>,
               network_of<mobilenet_v2, fpn>, network_of<efficientnet_b0, unet>, network_of<efficientnet_b0, linknet>,
               network_of<efficientnet_b0, fpn>, network_of<resnet18, unet>, network_of<resnet50, fpn>,
               network_of<efficientnet<1>, unet>, network_of<efficientnet<2>, linknet>,
               network_of<efficientnet<3>, fpn>, network_of<efficientnet<4>, unet>, network_of<convnext_tiny, unet>,
               network_of<convnext_tiny, linknet>, network_of<plain<4, 16>, unet>, network_of<plain<4, 16>, linknet>,
               network_of<plain<4, 16>, fpn>, network_of<resnet18, unet_plus_plus>, network_of<resnet18, pspnet>,
               network_of<resnet18, deeplab_v3_plus>, network_of<plain<4, 16>, unet_plus_plus>,
               network_of<plain<4, 16>, pspnet>, network_of<plain<4, 16>, deeplab_v3_plus>>;

/// Tensors by their name in the network, sorted.
template <class Real>
using named_tensors = std::map<std::string, tensor<Real>>;

inline constexpr int reference_outputs = 3;

/// Share of a batch in the running statistics; the rest stays as drawn. With drawn ones alone activations would grow from
/// layer to layer until gates saturate, and rounding with them: PyTorch's own float32 is then 3e-4 off its float64.
inline constexpr double reference_momentum = 0.25;

/// What a network with drawn weights (drawn.hpp) computes from a drawn image.
struct network_results {
  named_tensors<float> weights;       ///< parameters and running statistics, as drawn
  tensor<float> input;                ///< [N,H,W,C]
  named_tensors<float> gradients;     ///< in training, of the sum of drawn factors times the output; in float32
  named_tensors<double> gradients64;  ///< the same in float64
  tensor<float> output;               ///< [N,H,W,K], then in inference, with running statistics moved; in float32
  tensor<double> output64;            ///< the same in float64
};

/// `input` [N,H,W,C]; K is `reference_outputs`. Instances are in networks/, a unit per kind of encoder: each network takes
/// seconds to compile.
template <class Enc, class Dec>
network_results results_of(const shape& input);

}  // namespace aixcell
