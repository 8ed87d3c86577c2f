#pragma once
#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/stages.hpp>
#include <aixcell/kernels/cpu/local_equalisation.hpp>

namespace aixcell {

/// Contrast limited adaptive histogram equalisation (Zuiderveld 1994): each pixel goes through the cumulative
/// histograms of the four nearest tiles, bilinearly blended; a bin higher than the limit gives its excess to all bins,
/// once.
///   in   [H,W,C] float32, finite        out  [H,W,C] float32 in [0,1]; a constant channel becomes 0. Throws
///   shape_error on an empty image.
struct clahe {
  static constexpr std::string_view name = "clahe";
  static constexpr int channels_out(int channels_in) { return channels_in; }
  static constexpr int bins = local_equalisation::bins;  ///< over the range of the channel

  int tiles = 8;            ///< in each direction, fewer in images of few pixels
  float clip_limit = 3.0f;  ///< highest bin in units of a flat histogram's

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"tiles", &clahe::tiles, 2, 16},
                      hyperparameter{"clip_limit", &clahe::clip_limit, 1.0f, 10.0f}};
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    if (pixels.empty()) throw shape_error("clahe: the image is empty " + to_string(pixels.shape()));
    tensor<float> out(ctx, pixels.shape());
    equalise_locally(ctx, pixels, {.tiles = tiles, .clip_limit = clip_limit}, out);
    return out;
  }
};
static_assert(Preprocess<clahe>);

}  // namespace aixcell
