#pragma once
// The stages whose pairs the program export_networks is built with.
#include <aixcell/decoder/deeplab_v3_plus.hpp>
#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/linknet.hpp>
#include <aixcell/decoder/pooled.hpp>
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
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/preprocess/percentile.hpp>
#include <aixcell/preprocess/z_score.hpp>

namespace aixcell::test {

inline constexpr auto exported_z_score = stages<z_score>;
inline constexpr auto exported_percentile = stages<percentile>;
inline constexpr auto exported_decoders = stages<unet, linknet, fpn>;
inline constexpr auto other_decoders = stages<unet_plus_plus, pspnet, deeplab_v3_plus, pooled>;
inline constexpr auto exported_postprocesses = stages<interior_border, image_class>;

}  // namespace aixcell::test
