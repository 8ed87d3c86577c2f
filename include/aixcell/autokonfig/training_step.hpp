#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/data/fingerprint.hpp>

namespace aixcell {

/// How much of the images a training step sees.
struct training_step {
  index_t tile = 256;  ///< edge of a crop, pixels
  int batch = 4;       ///< crops
};

/// By rule: a crop shows nearly every object whole and no more of an image than there is, and a step sees about 2^16
/// pixels. Many small crops teach more than few large ones at the same cost: they come from more images.
inline training_step recommended_step(const fingerprint& data) {
  const index_t longer = std::max<index_t>(data.median_height, data.median_width);
  const double whole = data.objects > 0 ? 2.5 * data.diameter_percentiles[4] : static_cast<double>(longer);
  const auto in_steps = [](double edge) { return static_cast<index_t>(std::ceil(edge / 32)) * 32; };
  const index_t most = std::clamp<index_t>(in_steps(static_cast<double>(longer)), 64, 256);
  training_step step;
  step.tile = std::clamp<index_t>(in_steps(whole), std::min<index_t>(96, most), most);
  step.batch = static_cast<int>(std::clamp<index_t>((index_t{1} << 16) / (step.tile * step.tile), 2, 16));
  return step;
}

}  // namespace aixcell
