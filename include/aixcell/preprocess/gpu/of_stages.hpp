#pragma once
#include <aixcell/preprocess/gpu/chain.hpp>
#include <aixcell/preprocess/gpu/clahe.hpp>
#include <aixcell/preprocess/gpu/identity.hpp>
#include <aixcell/preprocess/gpu/only_channels.hpp>
#include <aixcell/preprocess/gpu/percentile.hpp>
#include <aixcell/preprocess/gpu/resize_to_diameter.hpp>
#include <aixcell/preprocess/gpu/stains.hpp>
#include <aixcell/preprocess/gpu/top_hat.hpp>
#include <aixcell/preprocess/gpu/z_score.hpp>

// The twins of every preprocess policy that has one (preprocess/gpu/apply.hpp). illumination_correction and flat_field have none.
