#pragma once
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
#include <aixcell/library/registry.hpp>
#include <aixcell/postprocess/distance_watershed.hpp>
#include <aixcell/postprocess/flow_field.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/star_convex.hpp>
#include <aixcell/preprocess/percentile.hpp>

namespace aixcell {

/// Encoders times decoders under a name; whatever fits is in the grid.
template <class Encoders, class Decoders>
struct network_grid {
  std::string_view name;
  Encoders encoders;
  Decoders decoders;
};
template <class Encoders, class Decoders>
network_grid(std::string_view, Encoders, Decoders) -> network_grid<Encoders, Decoders>;

/// The 18 networks that a study of architectures on one data set compares: three ways to decode times six encoders of
/// different families and sizes.
inline constexpr network_grid thesis_grid{
    "thesis_grid", stages<vgg16_bn, resnet34, se_resnext50_32x4d, densenet121, mobilenet_v2, efficientnet_b0>,
    stages<unet, linknet, fpn>};

/// Everything that is here, the smallest and the largest member of a family.
inline constexpr network_grid full_grid{
    "full_grid",
    stages<plain<4, 16>, plain<4, 32>, vgg16_bn, resnet18, resnet34, resnet50, se_resnext50_32x4d, densenet121,
           mobilenet_v2, efficientnet_b0, efficientnet<3>, convnext_tiny>,
    stages<unet, unet_transposed, unet_plus_plus, linknet, fpn, pspnet, deeplab_v3_plus>};

// What stands before and behind the networks of a grid: one preprocess, the representations of objects without classes.
inline constexpr auto grid_preprocesses = stages<percentile>;
inline constexpr auto grid_postprocesses = stages<interior_border, star_convex<32>, flow_field, distance_watershed>;

/// Names of a grid's networks, `resnet34+unet`.
template <class Encoders, class Decoders>
std::vector<std::string> network_names(const network_grid<Encoders, Decoders>& grid) {
  std::vector<std::string> names;
  for_each_network(grid.encoders, grid.decoders, [&]<class Enc, class Dec>(one_network<Enc, Dec>) {
    names.push_back(std::string(Enc::name) + "+" + std::string(Dec::name));
  });
  return names;
}

}  // namespace aixcell
