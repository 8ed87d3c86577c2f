#pragma once
#include <string_view>

#include <aixcell/encoder/convnext.hpp>
#include <aixcell/encoder/densenet.hpp>
#include <aixcell/encoder/efficientnet.hpp>
#include <aixcell/encoder/mobilenet.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/encoder/vgg.hpp>

namespace aixcell {

/// What others say about the size of a network that classifies ImageNet.
struct published_size {
  index_t parameters = 0;   ///< of the whole network; 0: nobody published it
  index_t left_out = 0;     ///< of the classifier and what else an encoder does not need
  std::string_view source;  ///< where the number stands
};

/// The test of encoders and the table of architectures read the counts here.
template <class Enc>
inline constexpr published_size published{};
template <>
inline constexpr published_size published<resnet18>{11'689'512, 513'000, "torchvision 0.14, resnet18"};
template <>
inline constexpr published_size published<resnet34>{21'797'672, 513'000, "torchvision 0.14, resnet34"};
template <>
inline constexpr published_size published<resnet50>{25'557'032, 2'049'000, "torchvision 0.14, resnet50"};
template <>
inline constexpr published_size published<se_resnext50_32x4d>{27'559'896, 2'049'000,
                                                              "release of its authors (hujie-frank/SENet)"};
template <>
inline constexpr published_size published<vgg16_bn>{138'365'992, 123'642'856, "torchvision 0.14, vgg16_bn"};
template <>
inline constexpr published_size published<densenet121>{7'978'856, 1'025'000, "torchvision 0.14, densenet121"};
template <>
inline constexpr published_size published<mobilenet_v2>{3'504'872, 1'281'000, "torchvision 0.14, mobilenet_v2"};
template <>
inline constexpr published_size published<efficientnet_b0>{5'288'548, 1'281'000 + 412'160,
                                                           "torchvision 0.14, efficientnet_b0"};
template <>
inline constexpr published_size published<efficientnet<3>>{12'233'232, 1'537'000 + (384 * 1536 + 2 * 1536),
                                                           "torchvision 0.14, efficientnet_b3"};
template <>
inline constexpr published_size published<convnext_tiny>{28'589'128, 769'000 + 1'536,
                                                         "torchvision 0.14, convnext_tiny"};

}  // namespace aixcell
