#pragma once
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include <aixcell/core/random.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/cpu/reflected.hpp>

namespace aixcell {

// A training crop, once everything random of it has been drawn (data/augment.hpp does that):
//
//   cut_pixels   [E,E,C] from an image [H,W,C]: one gather through an affine and elastic map, bilinear, mirrored beyond the
//                image's border; then the intensities of each channel, a Gaussian blur mirrored at the crop's border, noise
//   cut_labels   [E,E] from [H,W] through the same map, nearest
//
// The arithmetic of a pixel stands here, once for all devices: they differ by the rounding of fused multiply-adds, of exp,
// log and cos, and by labels where that moves a place across the middle between two pixels. Throw shape_error.

/// Where the pixels of a crop lie in the image: a linear map about the crop's centre, and a smooth displacement.
struct crop_map {
  int edge = 0;                          ///< of the crop, pixels
  float y = 0, x = 0;                    ///< of the crop's centre in the image, pixels
  float yy = 1, yx = 0, xy = 0, xx = 1;  ///< of a step in the crop, as seen in the image
  int points = 0;                        ///< of the displacement's grid, in each direction; 0: none
  float spacing = 1;                     ///< of these points, pixels

  struct place {
    float y, x;
  };
  /// Of pixel (i, j); displacement [points,points,2] of y and x in pixels.
  constexpr place operator()(int i, int j, const float* displacement) const {
    const float half = 0.5f * static_cast<float>(edge - 1), down = static_cast<float>(i) - half,
                right = static_cast<float>(j) - half;
    place p{yy * down + yx * right, xy * down + xx * right};
    if (points > 0) {
      const float gy = static_cast<float>(i) / spacing, gx = static_cast<float>(j) / spacing;
      const auto r = static_cast<int>(gy), c = static_cast<int>(gx);
      const float fy = smooth(gy - static_cast<float>(r)), fx = smooth(gx - static_cast<float>(c));
      const float *upper = displacement + 2 * (r * points + c), *lower = upper + 2 * points;
      p.y += (1 - fy) * ((1 - fx) * upper[0] + fx * upper[2]) + fy * ((1 - fx) * lower[0] + fx * lower[2]);
      p.x += (1 - fy) * ((1 - fx) * upper[1] + fx * upper[3]) + fy * ((1 - fx) * lower[1] + fx * lower[3]);
    }
    return {y + p.y, x + p.x};
  }

 private:
  static constexpr float smooth(float t) { return t * t * (3 - 2 * t); }
};

/// What becomes of the values of a channel.
struct intensity_change {
  float gain = 1;
  float offset = 0;
  float gamma = 1;  ///< exponent of values within 0..1

  constexpr float operator()(float v) const {
    return gain * (gamma != 1 && v > 0 && v < 1 ? std::pow(v, gamma) : v) + offset;
  }
};

/// Everything that a crop is, but for the image.
struct crop_plan {
  crop_map from;
  std::vector<float> displacement = {};            ///< [points,points,2]
  std::vector<intensity_change> intensities = {};  ///< of each channel; empty: they stay
  float blur = 0;                                  ///< pixels, deviation of the Gaussian; 0: none
  float noise = 0;                                 ///< deviation; 0: none
  random_stream numbers{0};                        ///< of the noise: value i of the crop takes the draws 2i and 2i + 1
};

namespace detail {

/// The four pixels around a place in an image, and how far it lies between them.
struct bilinear_taps {
  index_t top_left, top_right, bottom_left, bottom_right;  // of the first channel
  float fy, fx;

  static constexpr bilinear_taps at(crop_map::place p, index_t height, index_t width, index_t channels) {
    const float y0 = std::floor(p.y), x0 = std::floor(p.x);
    const index_t top = reflected(static_cast<index_t>(y0), height) * width,
                  bottom = reflected(static_cast<index_t>(y0) + 1, height) * width;
    const index_t left = reflected(static_cast<index_t>(x0), width),
                  right = reflected(static_cast<index_t>(x0) + 1, width);
    return {(top + left) * channels,
            (top + right) * channels,
            (bottom + left) * channels,
            (bottom + right) * channels,
            p.y - y0,
            p.x - x0};
  }
  constexpr float operator()(const float* channel) const {
    return (1 - fy) * ((1 - fx) * channel[top_left] + fx * channel[top_right]) +
           fy * ((1 - fx) * channel[bottom_left] + fx * channel[bottom_right]);
  }
};

constexpr index_t nearest_pixel(crop_map::place p, index_t height, index_t width) {
  return reflected(static_cast<index_t>(std::floor(p.y + 0.5f)), height) * width +
         reflected(static_cast<index_t>(std::floor(p.x + 0.5f)), width);
}

/// Throws shape_error unless the plan is of such a crop of such an image, which has at least one pixel.
inline void require_crop(std::string_view where, const shape& image, const crop_plan& plan, const shape& crop) {
  const index_t edge = plan.from.edge, points = plan.from.points;
  require_shape(where, image.rank() == 3 ? shape{edge, edge, image[2]} : shape{edge, edge}, crop);
  if (image.count() == 0)
    throw shape_error(std::string(where) + ": an image " + to_string(image) + " has no pixels to cut a crop from");
  if (std::ssize(plan.displacement) != 2 * points * points)
    throw shape_error(std::string(where) + ": " + std::to_string(plan.displacement.size()) + " displacements for " +
                      std::to_string(points) + " x " + std::to_string(points) + " points; give each its y and x");
  if (image.rank() == 3 && !plan.intensities.empty() && std::ssize(plan.intensities) != image[2])
    throw shape_error(std::string(where) + ": " + std::to_string(plan.intensities.size()) + " intensity changes for " +
                      std::to_string(image[2]) + " channels; give each channel its own, or none");
}

}  // namespace detail
}  // namespace aixcell
