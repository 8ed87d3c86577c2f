#pragma once
#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/losses/image_cross_entropy.hpp>
#include <aixcell/losses/loss_term.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>

namespace aixcell::detail {

/// A class for the whole image: the softmax of the mean of logits over the map. Rare classes count as much as frequent ones
/// (logit adjustment, Menon et al. 2021): probabilities are those of a collection where all classes are equally frequent.
struct image_class_head {
  int classes = 2;
  float label_smoothing = 0;
  std::vector<float> shares = {};  ///< of the classes among the images that are learned from; empty: all alike

  /// Of `classes` output channels. Every pixel of an image's target holds its class, -1 unknown.
  auto loss_terms(channel_offsets at, double weight) const {
    return std::tuple{loss_term{image_cross_entropy{.label_smoothing = label_smoothing, .offsets = log_shares()},
                                channel_range{at.output, classes}, at.target, -1, weight}};
  }

  void decode_at(view<const float, cpu> output, int first, prediction& found) const {
    const index_t pixels = output.extent(0) * output.extent(1);
    std::vector<double> logits(static_cast<std::size_t>(classes), 0.0);
    for (index_t p = 0; p < pixels; ++p)
      for (std::size_t c = 0; c < logits.size(); ++c)
        logits[c] += static_cast<double>(output.data()[p * output.extent(2) + first + static_cast<index_t>(c)]) /
                     static_cast<double>(pixels);
    decide(logits, found);
  }

  /// From the mean of logits.
  void decide(const std::vector<double>& logits, prediction& found) const {
    std::vector<double> probability(logits.size());
    softmax(logits.data(), classes, probability.data());
    found.image_class_probabilities.assign(probability.begin(), probability.end());
    if (std::isfinite(probability[0]))
      found.image_class = static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  }

 private:
  /// A class that nothing is learned about is not made infinitely rare.
  std::vector<float> log_shares() const {
    std::vector<float> all;
    for (const float share : shares) all.push_back(std::log(std::max(share, 1e-6f)));
    return all;
  }
};

}  // namespace aixcell::detail
