#pragma once
#include <string>

#include <aixcell/core/stages.hpp>
#include <aixcell/preprocess/detail/optical_density.hpp>

namespace aixcell {

/// Mixtures of stains whose colours are known.
enum class stains { haematoxylin_eosin, haematoxylin_dab, haematoxylin_eosin_dab };

namespace detail {

// Ruifrok & Johnston 2001, Anal. Quant. Cytol. Histol. 23, 291-299.
inline constexpr stain haematoxylin{0.65, 0.70, 0.29}, eosin{0.07, 0.99, 0.11}, dab{0.27, 0.57, 0.78};

template <stains S>
struct known_stains;
template <>
struct known_stains<stains::haematoxylin_eosin> {
  static constexpr std::string_view name = "deconvolution_haematoxylin_eosin";
  static constexpr std::array<stain, 3> colours{haematoxylin, eosin, cross(haematoxylin, eosin)};
};
template <>
struct known_stains<stains::haematoxylin_dab> {
  static constexpr std::string_view name = "deconvolution_haematoxylin_dab";
  static constexpr std::array<stain, 3> colours{haematoxylin, dab, cross(haematoxylin, dab)};
};
template <>
struct known_stains<stains::haematoxylin_eosin_dab> {
  static constexpr std::string_view name = "deconvolution_haematoxylin_eosin_dab";
  static constexpr std::array<stain, 3> colours{haematoxylin, eosin, dab};
};

inline void require_rgb(std::string_view name, const shape& found) {
  require_rank(name, 3, "an image [H,W,3]", found);
  if (found[2] != 3)
    throw shape_error(std::string(name) + ": expected red, green and blue, found " + std::to_string(found[2]) +
                      " channel(s); give colour images of stained specimens");
  if (found.count() == 0) throw shape_error(std::string(name) + ": the image is empty " + to_string(found));
}

}  // namespace detail

/// Bright-field colours to amounts of stain (Ruifrok & Johnston 2001): optical densities, unmixed by the colours of the
/// stains.
///   in   [H,W,3] red, green, blue, 0..255 or 0..65535, white where no light is taken away
///   out  [H,W,3] float32, about 0..2: the stains in the order of the enumerator; of two stains the third channel is the
///        residual, what neither of them explains. Below 0 where a colour is none of the mixture.
template <stains S>
struct colour_deconvolution {
  static constexpr std::string_view name = detail::known_stains<S>::name;
  static constexpr int channels_out(int) { return 3; }
  static constexpr bool accepts_channels(int channels_in) { return channels_in == 3; }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels) const {
    detail::require_rgb(name, pixels.shape());
    return detail::unmixed(ctx, pixels, colours());
  }

  /// Of the stains, of length 1.
  static std::array<detail::stain, 3> colours() {
    std::array<detail::stain, 3> all = detail::known_stains<S>::colours;
    for (detail::stain& colour : all) colour = detail::normalised(colour);
    return all;
  }
};
static_assert(Preprocess<colour_deconvolution<stains::haematoxylin_eosin>>);

}  // namespace aixcell
