#pragma once
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/illumination.hpp>

namespace aixcell {

/// Evens out the light of each image: divides it by a smooth surface fitted robustly to its background (see
/// estimate_illumination). For vignetting and uneven lamps, where the background itself is lit: bright field, phase
/// contrast, fluorescence with some haze. Subtract what the camera gives without light before, if it is not small.
///   in   [H,W,C] float32        out  [H,W,C] float32; the mean of the light is kept
struct illumination_correction {
  static constexpr std::string_view name = "illumination_correction";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const {
    return divided_by(ctx, pixels, estimate_illumination(ctx, pixels));
  }
};
static_assert(Preprocess<illumination_correction>);

}  // namespace aixcell
