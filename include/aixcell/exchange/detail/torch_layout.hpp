#pragma once
#include <aixcell/core/tensor.hpp>

// Filters are [K,R,S,C] here and [K,C,R,S] in torch; all other tensors have the same shape in both.

namespace aixcell::weights::detail {

/// The shape in torch of a tensor of this shape here.
constexpr shape torch_shape(const shape& s) { return s.rank() == 4 ? shape{s[0], s[3], s[1], s[2]} : s; }

/// Where element `i` of a tensor of shape `s` here stands in torch's order.
constexpr index_t torch_index(const shape& s, index_t i) {
  if (s.rank() != 4) return i;
  const index_t c = i % s[3], tap = i / s[3] % (s[1] * s[2]), k = i / (s[1] * s[2] * s[3]);
  return (k * s[3] + c) * s[1] * s[2] + tap;
}

/// A copy in torch's order.
inline tensor<float> to_torch(const tensor<float>& here) {
  tensor<float> there(torch_shape(here.shape()));
  for (index_t i = 0; i < here.size(); ++i) there[torch_index(here.shape(), i)] = here[i];
  return there;
}

/// Filters [K,R,S,C] that see `channels` channels of an image instead of C. They are repeated in turn and scaled by
/// C/channels, so that each image channel counts alike (timm's adapt_input_conv, segmentation_models_pytorch's
/// patch_first_conv). Where the channels do not divide alike that alone changes the answer to a gray image; every tap is
/// therefore shifted by what its sum over the channels lacks: an image whose channels are equal is answered as before.
/// One channel gets the sum.
inline tensor<float> for_channels(const tensor<float>& filters, index_t channels) {
  const shape& s = filters.shape();
  tensor<float> adapted({s[0], s[1], s[2], channels});
  const double scale = static_cast<double>(s[3]) / static_cast<double>(channels);
  for (index_t tap = 0; tap < s[0] * s[1] * s[2]; ++tap) {
    const float* from = filters.data() + tap * s[3];
    float* to = adapted.data() + tap * channels;
    double lacking = 0;
    for (index_t c = 0; c < s[3]; ++c) lacking += from[c];
    for (index_t c = 0; c < channels; ++c) lacking -= scale * from[c % s[3]];
    for (index_t c = 0; c < channels; ++c)
      to[c] = static_cast<float>(scale * from[c % s[3]] + lacking / static_cast<double>(channels));
  }
  return adapted;
}

}  // namespace aixcell::weights::detail
