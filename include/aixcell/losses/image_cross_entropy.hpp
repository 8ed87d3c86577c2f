#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/losses/cross_entropy.hpp>

namespace aixcell {

/// The cross entropy of whole images: of the mean of an image's logits over its pixels, as a global average behind the
/// classifier is one in front of it (Lin et al. 2014, section 3.2). Target and weight of an image are those of its first pixel;
/// an image of a class below 0 has no say. Throws as cross_entropy does.
struct image_cross_entropy {
  float label_smoothing = 0;        ///< see cross_entropy
  std::vector<float> offsets = {};  ///< see cross_entropy

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    detail::require_loss_shapes("image_cross_entropy", a, 1);
    const index_t images = a.output.extent(0), pixels = a.output.extent(1) * a.output.extent(2),
                  count = a.channels.count;
    if (images * pixels == 0) return 0;
    tensor<Real> logits(ctx, {images, 1, 1, count});
    tensor<float> target(ctx, {images, 1, 1, a.target.extent(3)});
    auto dlogits = tensor<Real>::zeros(ctx, logits.shape());
    for (index_t n = 0; n < images; ++n) {
      const auto sums = detail::sums_over_pixels(ctx, pixels, count, [&](index_t begin, index_t end, const auto& sum) {
        for (index_t p = n * pixels + begin; p < n * pixels + end; ++p)
          for (index_t c = 0; c < count; ++c) sum[c] += static_cast<double>(detail::pixel_of(a, p).output[c]);
      });
      for (index_t c = 0; c < count; ++c) logits(n, 0, 0, c) = static_cast<Real>(sums[c] / static_cast<double>(pixels));
      std::copy_n(a.target.slice(n).data(), a.target.extent(3), target.slice(n).data());
    }
    const cross_entropy of_means{.label_smoothing = label_smoothing, .offsets = offsets};
    const double loss = of_means(ctx, loss_arguments<Real>{.output = logits,
                                                           .channels = {0, a.channels.count},
                                                           .target = target,
                                                           .target_channel = a.target_channel,
                                                           .weight_channel = a.weight_channel,
                                                           .gradient = dlogits,
                                                           .scale = a.scale});
    parallel_for(ctx, images, [&](index_t n) {
      for (index_t p = n * pixels; p < (n + 1) * pixels; ++p)
        for (index_t c = 0; c < count; ++c)
          detail::pixel_of(a, p).gradient[c] += dlogits(n, 0, 0, c) / static_cast<Real>(pixels);
    });
    return loss;
  }
};
static_assert(Loss<image_cross_entropy>);

}  // namespace aixcell
