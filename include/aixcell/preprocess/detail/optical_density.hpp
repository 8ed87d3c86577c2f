#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>

namespace aixcell::detail {

/// Of a stain: how much red, green and blue light it takes away, as a vector of length 1.
using stain = std::array<double, 3>;

constexpr stain cross(const stain& a, const stain& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
constexpr double dot(const stain& a, const stain& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/// Throws nothing; a vector of length 0 stays.
inline stain normalised(const stain& s) {
  const double length = std::sqrt(dot(s, s));
  return length > 0 ? stain{s[0] / length, s[1] / length, s[2] / length} : s;
}

/// What no light at all taken away looks like: the top of the 8-bit or the 16-bit scale, whichever holds the image.
inline float white_level(view<const float, cpu> pixels) {
  return std::all_of(pixels.begin(), pixels.end(), [](float v) { return v <= 255; }) ? 255.0f : 65535.0f;
}

/// Beer and Lambert: light that is taken away counts by its logarithm. One unit is added so that black is finite.
inline float optical_density(float value, float white) {
  return std::log10((white + 1) / (std::clamp(value, 0.0f, white) + 1));
}

/// Amount s = sum over colours c of inverse[s][c] times density[c]. The stains must be linearly independent.
inline std::array<std::array<float, 3>, 3> unmixing_by(const std::array<stain, 3>& stains) {
  const double volume = dot(stains[0], cross(stains[1], stains[2]));
  std::array<std::array<float, 3>, 3> inverse;
  for (std::size_t s = 0; s < 3; ++s) {
    const stain row = cross(stains[(s + 1) % 3], stains[(s + 2) % 3]);
    for (std::size_t c = 0; c < 3; ++c) inverse[s][c] = static_cast<float>(row[c] / volume);
  }
  return inverse;
}

/// Densities [H,W,3] to amounts of three stains [H,W,3] (Ruifrok & Johnston 2001): solves density = sum of amounts times
/// stains.
inline tensor<float> unmixed(const context<cpu>& ctx, view<const float, cpu> rgb, const std::array<stain, 3>& stains) {
  const std::array<std::array<float, 3>, 3> inverse = unmixing_by(stains);
  const float white = white_level(rgb);
  tensor<float> out(rgb.shape());
  parallel_ranges(ctx, rgb.size() / 3, 1 << 14, [&](index_t begin, index_t end) {
    for (index_t p = begin; p < end; ++p) {
      const float r = optical_density(rgb[3 * p], white), g = optical_density(rgb[3 * p + 1], white),
                  b = optical_density(rgb[3 * p + 2], white);
      for (std::size_t s = 0; s < 3; ++s)
        out[3 * p + static_cast<index_t>(s)] = inverse[s][0] * r + inverse[s][1] * g + inverse[s][2] * b;
    }
  });
  return out;
}

}  // namespace aixcell::detail
