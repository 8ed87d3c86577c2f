#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/core/image.hpp>
#include <aixcell/core/random.hpp>
#include <aixcell/kernels/cpu/augment.hpp>

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

namespace detail {

/// The linear part and the displacement of a crop's map.
inline void draw_map(const augmentation& a, crop_plan& plan, random_stream& random) {
  // The draws are made whether used or not: changing one strength does not change the others' numbers.
  const bool flip_x = random.chance(a.flip_probability), flip_y = random.chance(a.flip_probability);
  const index_t turns = random.below(4);
  const bool affine = random.chance(a.affine_probability);
  const float angle = random.uniform(-a.rotation, a.rotation) * std::numbers::pi_v<float> / 180;
  const float zoom = std::exp(random.uniform(-1, 1) * std::log1p(a.scale)), shear = random.uniform(-a.shear, a.shear);
  crop_map& m = plan.from;
  if (affine) {
    const float c = std::cos(angle) / zoom, s = std::sin(angle) / zoom;
    m.yy = c, m.yx = s + shear * c, m.xy = -s, m.xx = c - shear * s;
  }
  for (index_t t = 0; a.quarter_turns && t < turns; ++t)
    std::swap(m.yy, m.yx), std::swap(m.xy, m.xx), m.yx = -m.yx, m.xx = -m.xx;
  if (flip_x) m.yx = -m.yx, m.xx = -m.xx;
  if (flip_y) m.yy = -m.yy, m.xy = -m.xy;
  if (random.chance(a.elastic_probability) && a.elastic > 0) {
    m.spacing = std::max(4.0f, a.elastic_spacing);
    m.points = static_cast<int>(static_cast<float>(m.edge) / m.spacing) + 3;
    for (int i = 0; i < 2 * m.points * m.points; ++i) plan.displacement.push_back(random.normal(0, a.elastic));
  }
}

/// The rest of a plan for a crop of so many channels.
inline void draw_intensities(const augmentation& a, index_t channels, crop_plan& plan, random_stream& random) {
  if (random.chance(a.intensity_probability)) {
    for (index_t c = 0; c < channels; ++c) {
      const float gain = std::exp(random.uniform(-a.gain, a.gain)), offset = random.uniform(-a.offset, a.offset);
      plan.intensities.push_back({gain, offset, std::exp(random.uniform(-a.gamma, a.gamma))});
    }
  }
  if (random.chance(a.blur_probability) && a.blur > 0) plan.blur = random.uniform(0.3f, std::max(0.3f, a.blur));
  if (random.chance(a.noise_probability)) {
    plan.noise = random.uniform(0, a.noise);
    plan.numbers = random;
    random.skip(2 * static_cast<std::uint64_t>(plan.from.edge * plan.from.edge * channels));
  }
}

}  // namespace detail

/// Draws everything random of an [edge,edge] crop of an image [H,W,C] with its annotation: at a random place inside where the
/// image is large enough, else around its middle. Whoever cuts it, and where, needs no further draw.
inline crop_plan plan_crop(const augmentation& a, const shape& pixels, const annotation& truth, index_t edge,
                           random_stream& random) {
  require_rank("augment", 3, "an image [H,W,C]", pixels);
  const index_t height = pixels[0], width = pixels[1];
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
  crop_plan plan;
  plan.from.edge = static_cast<int>(edge);
  plan.from.y = centre(height, row), plan.from.x = centre(width, column);
  detail::draw_map(a, plan, random);
  detail::draw_intensities(a, pixels[2], plan, random);
  return plan;
}

/// The annotation of a crop: labels keep their numbers, so object classes stay valid.
inline annotation cut_annotation(const context<cpu>& ctx, const annotation& truth, const crop_plan& plan) {
  const auto cut = [&](const label_map& from) {
    if (from.empty()) return label_map();
    label_map to({plan.from.edge, plan.from.edge});
    cut_labels(ctx, from, plan, to);
    return to;
  };
  annotation crop;
  crop.object_class = truth.object_class;
  crop.image_class = truth.image_class;
  crop.labels = cut(truth.labels);
  crop.nuclei = cut(truth.nuclei);
  return crop;
}

/// A square cut from an image, with its annotation.
struct augmented_crop {
  tensor<float> pixels;  ///< [edge,edge,C]
  annotation truth;
};

/// Plans a crop of a normalised image and cuts it here: kernels/augment.hpp says how. An image that fits into the crop is
/// centred and filled up by its mirror image. The result depends on the arguments and the stream only.
inline augmented_crop augment(const augmentation& a, const tensor<float>& pixels, const annotation& truth, index_t edge,
                              random_stream& random) {
  const context<cpu> ctx(1);
  const crop_plan plan = plan_crop(a, pixels.shape(), truth, edge, random);
  augmented_crop crop{tensor<float>({edge, edge, pixels.extent(2)}), cut_annotation(ctx, truth, plan)};
  cut_pixels(ctx, pixels, plan, crop.pixels);
  return crop;
}

}  // namespace aixcell
