#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/data/augment.hpp>
#include <aixcell/data/fingerprint.hpp>
#include <aixcell/library/pipeline_list.hpp>

namespace aixcell {

/// How much of the images a training step sees.
struct training_step {
  index_t tile = 256;  ///< edge of a crop, pixels
  int batch = 4;       ///< crops
};

/// How the crops of a pipeline differ from the images they are cut from. Where one normalisation serves the whole data set and
/// whole images are told apart, brightness and size may be what tells them apart; else they are what differs between
/// microscopes.
inline augmentation recommended_augmentation(const registered_pipeline& p, const augmentation& wanted = {}) {
  const bool quantitative = p.solves == task::image_classification && p.preprocess.starts_with("fitted_");
  return quantitative ? wanted.quantitative() : wanted;
}

/// By rule: a crop shows nearly every object whole and no more of an image than there is, and a step sees about 2^16
/// pixels. Many small crops teach more than few large ones at the same cost: they come from more images. Where whole images
/// have a class and nothing else is annotated, a crop is the image.
inline training_step recommended_step(const fingerprint& data) {
  const index_t longer = std::max<index_t>(data.median_height, data.median_width);
  const double whole = data.objects > 0 ? 2.5 * data.diameter_percentiles[4] : static_cast<double>(longer);
  const auto in_steps = [](double edge) { return static_cast<index_t>(std::ceil(edge / 32)) * 32; };
  const index_t most = std::clamp<index_t>(in_steps(static_cast<double>(longer)), 64, 256);
  training_step step;
  if (data.objects == 0 && data.foreground == 0 && data.has_image_classes) {
    step.tile = std::clamp<index_t>(longer, 16, 256);
    step.batch = static_cast<int>(std::clamp<index_t>((index_t{1} << 16) / (step.tile * step.tile), 2, 32));
    return step;
  }
  step.tile = std::clamp<index_t>(in_steps(whole), std::min<index_t>(96, most), most);
  step.batch = static_cast<int>(std::clamp<index_t>((index_t{1} << 16) / (step.tile * step.tile), 2, 16));
  return step;
}

}  // namespace aixcell
