#pragma once
#include <algorithm>

#include <aixcell/core/stages.hpp>

namespace aixcell {

/// Leaves the image as it is.
struct identity {
  static constexpr std::string_view name = "identity";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  tensor<float> apply(context<cpu>&, view<const float, cpu> pixels) const {
    tensor<float> out(pixels.shape());
    std::copy(pixels.begin(), pixels.end(), out.begin());
    return out;
  }
};
static_assert(Preprocess<identity>);

}  // namespace aixcell
