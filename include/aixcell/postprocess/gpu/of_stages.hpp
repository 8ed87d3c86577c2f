#pragma once
#include <aixcell/postprocess/gpu/connected_foreground.hpp>
#include <aixcell/postprocess/gpu/distance_watershed.hpp>
#include <aixcell/postprocess/gpu/flow_field.hpp>
#include <aixcell/postprocess/gpu/image_class.hpp>
#include <aixcell/postprocess/gpu/interior_border.hpp>
#include <aixcell/postprocess/gpu/nuclei_per_cell.hpp>
#include <aixcell/postprocess/gpu/refined_star_convex.hpp>
#include <aixcell/postprocess/gpu/semantic.hpp>
#include <aixcell/postprocess/gpu/star_convex.hpp>
#include <aixcell/postprocess/gpu/with_classes.hpp>

// The twins of every postprocess policy (postprocess/gpu/found_on.hpp).
