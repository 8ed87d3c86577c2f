#pragma once
#include <aixcell/decoder/fpn.hpp>
#include <aixcell/decoder/pooled.hpp>
#include <aixcell/decoder/unet.hpp>
#include <aixcell/encoder/plain.hpp>
#include <aixcell/encoder/resnet.hpp>
#include <aixcell/library/registry.hpp>
#include <aixcell/postprocess/connected_foreground.hpp>
#include <aixcell/postprocess/distance_watershed.hpp>
#include <aixcell/postprocess/flow_field.hpp>
#include <aixcell/postprocess/image_class.hpp>
#include <aixcell/postprocess/interior_border.hpp>
#include <aixcell/postprocess/nuclei_per_cell.hpp>
#include <aixcell/postprocess/refined_star_convex.hpp>
#include <aixcell/postprocess/semantic.hpp>
#include <aixcell/postprocess/star_convex.hpp>
#include <aixcell/postprocess/with_classes.hpp>
#include <aixcell/postprocess/with_image_class.hpp>
#include <aixcell/preprocess/chain.hpp>
#include <aixcell/preprocess/clahe.hpp>
#include <aixcell/preprocess/illumination_correction.hpp>
#include <aixcell/preprocess/percentile.hpp>
#include <aixcell/preprocess/resize_to_diameter.hpp>
#include <aixcell/preprocess/stain_separation.hpp>
#include <aixcell/preprocess/top_hat.hpp>
#include <aixcell/preprocess/z_score.hpp>

namespace aixcell {

// What the command line and autokonfig choose from, but for the encoders: those are named where the units they are compiled
// in are (aixcell_add_instances), because networks are what costs compile time.

inline constexpr auto default_preprocesses =
    stages<percentile, z_score, chain<top_hat, percentile>, chain<clahe, z_score>,
           chain<resize_to_diameter, percentile>, chain<illumination_correction, percentile>,
           chain<stain_separation, percentile>, fitted_z_score>;
inline constexpr auto default_decoders = stages<unet, fpn, pooled>;
inline constexpr auto default_postprocesses =
    stages<semantic, interior_border, star_convex<32>, refined_star_convex<32>, flow_field, distance_watershed,
           connected_foreground, with_classes<interior_border>, with_classes<refined_star_convex<32>>, with_classes<flow_field>,
           nuclei_per_cell, with_image_class<semantic>, image_class>;

}  // namespace aixcell
