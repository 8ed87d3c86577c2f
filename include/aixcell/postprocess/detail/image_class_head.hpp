#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/losses/cross_entropy.hpp>
#include <aixcell/postprocess/channel_offsets.hpp>
#include <aixcell/postprocess/detail/require_maps.hpp>

namespace aixcell::detail {

/// A class for the whole image: the softmax of the mean of logits over the map. Rare classes count as much as frequent ones
/// (logit adjustment, Menon et al. 2021): probabilities are those of a collection where all classes are equally frequent.
struct image_class_head {
  int classes = 2;
  float label_smoothing = 0;
  std::vector<float> shares = {};  ///< of the classes among the images that are learned from; empty: all alike

  /// Adds loss and gradient of `classes` output channels. Every pixel of an image's target holds its class, -1 unknown.
  template <class Real>
  double add_loss(context<cpu>& ctx, view<const Real, cpu> output, view<const float, cpu> target,
                  view<Real, cpu> gradient, channel_offsets at) const {
    const index_t images = output.extent(0), pixels = output.extent(1) * output.extent(2), stride = output.extent(3);
    tensor<Real> logits({images, 1, 1, classes}), dlogits({images, 1, 1, classes});
    tensor<float> truth({images, 1, 1, 1});
    for (index_t n = 0; n < images; ++n) {
      for (index_t p = 0; p < pixels; ++p) {
        const Real* from = output.data() + (n * pixels + p) * stride + at.output;
        for (index_t c = 0; c < classes; ++c) logits(n, 0, 0, c) += from[c] / static_cast<Real>(pixels);
      }
      truth[n] = target.slice(n)[at.target];
    }
    const cross_entropy entropy{.label_smoothing = label_smoothing, .offsets = log_shares()};
    const double loss = entropy(ctx, loss_arguments<Real>{.output = logits,
                                                          .channels = {0, classes},
                                                          .target = truth,
                                                          .gradient = dlogits});
    for (index_t n = 0; n < images; ++n)
      for (index_t p = 0; p < pixels; ++p) {
        Real* to = gradient.data() + (n * pixels + p) * stride + at.output;
        for (index_t c = 0; c < classes; ++c) to[c] += dlogits(n, 0, 0, c) / static_cast<Real>(pixels);
      }
    return loss;
  }

  void decode_at(view<const float, cpu> output, int first, prediction& found) const {
    const index_t pixels = output.extent(0) * output.extent(1);
    std::vector<double> logits(static_cast<std::size_t>(classes), 0.0), probability(logits.size());
    for (index_t p = 0; p < pixels; ++p)
      for (std::size_t c = 0; c < logits.size(); ++c)
        logits[c] += static_cast<double>(output.data()[p * output.extent(2) + first + static_cast<index_t>(c)]) /
                     static_cast<double>(pixels);
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
