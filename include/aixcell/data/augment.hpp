#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/image.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/kernels/cpu/gaussian_blur.hpp>

namespace aixcell {

/// How training crops differ from the images they are cut from. Image, labels and nuclei move together; intensities
/// change in the image only. Strength 0 or probability 0 turns a part off.
struct augmentation {
  float flip_probability = 0.5f;    ///< of each of the two mirror images
  bool quarter_turns = true;        ///< turn by a random multiple of 90 degrees
  float affine_probability = 0.5f;  ///< of rotation, scale and shear together
  float rotation = 30.0f;           ///< degrees, greatest either way
  float scale = 0.25f;              ///< greatest change of size: factor within [1 / (1 + s), 1 + s]
  float shear = 0.1f;               ///< greatest
  float elastic_probability = 0.3f;
  float elastic = 4.0f;                ///< pixels, deviation of the displacement of grid points
  float elastic_spacing = 32.0f;       ///< pixels between grid points of the displacement field
  float intensity_probability = 0.8f;  ///< of gain, offset and gamma together
  float gain = 0.3f;                   ///< log of the factor, greatest either way
  float offset = 0.1f;                 ///< added, in units of the normalised image
  float gamma = 0.3f;                  ///< log of the exponent for values within 0..1
  float noise_probability = 0.3f;
  float noise = 0.05f;  ///< greatest deviation of added normal noise
  float blur_probability = 0.15f;
  float blur = 1.0f;                    ///< pixels, greatest deviation of the Gaussian
  float foreground_probability = 0.7f;  ///< of a crop that is centred on an annotated object's pixel, if there is one

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"scale", &augmentation::scale, 0.0f, 0.5f},
                      hyperparameter{"elastic", &augmentation::elastic, 0.0f, 12.0f},
                      hyperparameter{"gain", &augmentation::gain, 0.0f, 0.7f},
                      hyperparameter{"noise", &augmentation::noise, 0.0f, 0.2f}};
  }

  /// Where brightness and size tell the classes of images apart, as the content of DNA does: both stay as they are.
  augmentation quantitative() const {
    augmentation a = *this;
    a.gain = a.offset = a.gamma = a.scale = 0;
    a.elastic_probability = 0;
    return a;
  }

  /// Every part off: crops are cut as they are.
  static augmentation none() {
    augmentation a;
    a.flip_probability = a.affine_probability = a.elastic_probability = a.intensity_probability = 0;
    a.noise_probability = a.blur_probability = 0;
    a.quarter_turns = false;
    return a;
  }
};

/// A square cut from an image, with its annotation.
struct augmented_crop {
  tensor<float> pixels;  ///< [edge,edge,C]
  annotation truth;      ///< labels keep their numbers, so object classes stay valid
};

namespace detail {

/// Where each pixel of the crop comes from: a linear map about the crop's centre plus a smooth displacement.
class crop_map {
 public:
  crop_map(const augmentation& a, index_t edge, random_stream& random) : edge_(edge) {
    // The draws are made whether used or not: changing one strength does not change the others' numbers.
    const bool flip_x = random.chance(a.flip_probability), flip_y = random.chance(a.flip_probability);
    const index_t turns = random.below(4);
    const bool affine = random.chance(a.affine_probability);
    const float angle = random.uniform(-a.rotation, a.rotation) * std::numbers::pi_v<float> / 180;
    const float zoom = std::exp(random.uniform(-1, 1) * std::log1p(a.scale)), shear = random.uniform(-a.shear, a.shear);
    xx_ = yy_ = 1;
    if (affine) {
      const float c = std::cos(angle) / zoom, s = std::sin(angle) / zoom;
      yy_ = c, yx_ = s + shear * c, xy_ = -s, xx_ = c - shear * s;
    }
    for (index_t t = 0; a.quarter_turns && t < turns; ++t)
      std::swap(yy_, yx_), std::swap(xy_, xx_), yx_ = -yx_, xx_ = -xx_;
    if (flip_x) yx_ = -yx_, xx_ = -xx_;
    if (flip_y) yy_ = -yy_, xy_ = -xy_;
    if (random.chance(a.elastic_probability) && a.elastic > 0) {
      spacing_ = std::max(4.0f, a.elastic_spacing);
      points_ = static_cast<index_t>(static_cast<float>(edge) / spacing_) + 3;
      for (index_t i = 0; i < 2 * points_ * points_; ++i) displacement_.push_back(random.normal(0, a.elastic));
    }
  }

  struct point {
    float y, x;
  };
  /// Offset from the centre in the source, for pixel (i, j) of the crop.
  point operator()(index_t i, index_t j) const {
    const float half = 0.5f * static_cast<float>(edge_ - 1), y = static_cast<float>(i) - half,
                x = static_cast<float>(j) - half;
    point p{yy_ * y + yx_ * x, xy_ * y + xx_ * x};
    if (displacement_.empty()) return p;
    const float gy = static_cast<float>(i) / spacing_, gx = static_cast<float>(j) / spacing_;
    const auto r = static_cast<index_t>(gy), c = static_cast<index_t>(gx);
    const float fy = smooth(gy - static_cast<float>(r)), fx = smooth(gx - static_cast<float>(c));
    const auto at = [&](index_t row, index_t column, index_t which) {
      return displacement_[static_cast<std::size_t>(2 * (row * points_ + column) + which)];
    };
    for (index_t which = 0; which < 2; ++which) {
      const float d = (1 - fy) * ((1 - fx) * at(r, c, which) + fx * at(r, c + 1, which)) +
                      fy * ((1 - fx) * at(r + 1, c, which) + fx * at(r + 1, c + 1, which));
      (which == 0 ? p.y : p.x) += d;
    }
    return p;
  }

 private:
  static float smooth(float t) { return t * t * (3 - 2 * t); }

  index_t edge_;
  float yy_ = 1, yx_ = 0, xy_ = 0, xx_ = 1;
  float spacing_ = 0;
  index_t points_ = 0;
  std::vector<float> displacement_;
};

/// Bilinear between pixel centres, mirrored beyond the image; added to out[0..C).
inline void sample_bilinear(const tensor<float>& image, float y, float x, float* out) {
  const index_t height = image.extent(0), width = image.extent(1), channels = image.extent(2);
  const float y0 = std::floor(y), x0 = std::floor(x), fy = y - y0, fx = x - x0;
  const index_t top = reflected(static_cast<index_t>(y0), height),
                bottom = reflected(static_cast<index_t>(y0) + 1, height);
  const index_t left = reflected(static_cast<index_t>(x0), width),
                right = reflected(static_cast<index_t>(x0) + 1, width);
  const float* a = image.data() + (top * width + left) * channels;
  const float* b = image.data() + (top * width + right) * channels;
  const float* c = image.data() + (bottom * width + left) * channels;
  const float* d = image.data() + (bottom * width + right) * channels;
  for (index_t k = 0; k < channels; ++k)
    out[k] = (1 - fy) * ((1 - fx) * a[k] + fx * b[k]) + fy * ((1 - fx) * c[k] + fx * d[k]);
}

inline void change_intensities(const augmentation& a, tensor<float>& pixels, random_stream& random) {
  const index_t channels = pixels.extent(2);
  if (random.chance(a.intensity_probability)) {
    for (index_t c = 0; c < channels; ++c) {
      const float gain = std::exp(random.uniform(-a.gain, a.gain)), offset = random.uniform(-a.offset, a.offset);
      const float gamma = std::exp(random.uniform(-a.gamma, a.gamma));
      for (index_t i = c; i < pixels.size(); i += channels) {
        const float v = pixels[i];
        pixels[i] = gain * (a.gamma > 0 && v > 0 && v < 1 ? std::pow(v, gamma) : v) + offset;
      }
    }
  }
  if (random.chance(a.blur_probability) && a.blur > 0) {
    const float deviation = random.uniform(0.3f, std::max(0.3f, a.blur));
    gaussian_blur(context<cpu>(1), pixels, {deviation, deviation});
  }
  if (random.chance(a.noise_probability)) {
    const float deviation = random.uniform(0, a.noise);
    for (float& v : pixels) v += deviation * random.normal();
  }
}

}  // namespace detail

/// Cuts an [edge,edge] crop at a random place of a normalised image [H,W,C] with its annotation: one gather through an
/// affine and elastic map, bilinear for pixels and nearest for labels, mirrored beyond the image's border; then
/// intensities. An image that fits into the crop is centred and filled up by its mirror image. The result depends on
/// the arguments and the stream only.
inline augmented_crop augment(const augmentation& a, const tensor<float>& pixels, const annotation& truth, index_t edge,
                              random_stream& random) {
  require_rank("augment", 3, "an image [H,W,C]", pixels.shape());
  const index_t height = pixels.extent(0), width = pixels.extent(1);
  const bool labelled = !truth.labels.empty();
  if (labelled) require_shape("augment", {height, width}, truth.labels.shape());
  // A crop that lies inside where the image is large enough, around an object if one is wanted and found.
  const auto centre = [&](index_t extent, index_t wanted) {
    // Whole pixels: a crop of another parity than the image must not blur it.
    if (extent <= edge) return static_cast<float>((extent - edge) / 2) + 0.5f * static_cast<float>(edge - 1);
    return static_cast<float>(std::clamp<index_t>(wanted - edge / 2, 0, extent - edge)) +
           0.5f * static_cast<float>(edge - 1);
  };
  index_t row = random.below(height), column = random.below(width);
  if (random.chance(a.foreground_probability) && labelled) {
    for (int attempt = 0; attempt < 64 && truth.labels(row, column) <= 0; ++attempt)
      row = random.below(height), column = random.below(width);
    row += random.below(edge / 2 + 1) - edge / 4;
    column += random.below(edge / 2 + 1) - edge / 4;
  }
  const float y0 = centre(height, row), x0 = centre(width, column);
  const detail::crop_map map(a, edge, random);

  augmented_crop crop{.pixels = tensor<float>({edge, edge, pixels.extent(2)}), .truth = {}};
  crop.truth.object_class = truth.object_class;
  crop.truth.image_class = truth.image_class;
  if (labelled) crop.truth.labels = label_map({edge, edge});
  const bool nuclei = !truth.nuclei.empty();
  if (nuclei) crop.truth.nuclei = label_map({edge, edge});
  for (index_t i = 0; i < edge; ++i)
    for (index_t j = 0; j < edge; ++j) {
      const auto offset = map(i, j);
      const float y = y0 + offset.y, x = x0 + offset.x;
      detail::sample_bilinear(pixels, y, x, &crop.pixels(i, j, 0));
      if (!labelled) continue;
      const index_t r = detail::reflected(static_cast<index_t>(std::floor(y + 0.5f)), height),
                    c = detail::reflected(static_cast<index_t>(std::floor(x + 0.5f)), width);
      crop.truth.labels(i, j) = truth.labels(r, c);
      if (nuclei) crop.truth.nuclei(i, j) = truth.nuclei(r, c);
    }
  detail::change_intensities(a, crop.pixels, random);
  return crop;
}

}  // namespace aixcell
