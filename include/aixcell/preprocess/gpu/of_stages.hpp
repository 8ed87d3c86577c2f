#pragma once
#include <aixcell/preprocess/gpu/chain.hpp>
#include <aixcell/preprocess/gpu/clahe.hpp>
#include <aixcell/preprocess/gpu/flat_field.hpp>
#include <aixcell/preprocess/gpu/identity.hpp>
#include <aixcell/preprocess/gpu/illumination_correction.hpp>
#include <aixcell/preprocess/gpu/only_channels.hpp>
#include <aixcell/preprocess/gpu/percentile.hpp>
#include <aixcell/preprocess/gpu/resize_to_diameter.hpp>
#include <aixcell/preprocess/gpu/stains.hpp>
#include <aixcell/preprocess/gpu/top_hat.hpp>
#include <aixcell/preprocess/gpu/z_score.hpp>

// The twins of all preprocess policies (preprocess/gpu/apply.hpp).
