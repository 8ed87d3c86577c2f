#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/kernels/cpu/grey_opening.hpp>
#include <aixcell/preprocess/object_diameter.hpp>

namespace aixcell {

/// Background subtraction by a white top-hat (Meyer 1979): the image less its grey opening by a square wider than the
/// objects, which leaves objects and takes away light that varies slowly.
///   in   [H,W,C] float32        out  [H,W,C] float32, >= 0
struct top_hat {
  static constexpr std::string_view name = "top_hat";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  float width = 2.0f;   ///< edge of the square in median object diameters of the training split, > 0
  float radius = 0.0f;  ///< pixels; above 0, half the edge that is taken instead

  static constexpr auto hyperparameters() { return std::tuple{hyperparameter{"width", &top_hat::width, 1.2f, 6.0f}}; }

  struct state {
    float radius = 0;  ///< pixels; 0 leaves the image as it is (no objects to measure)
    static void for_each_member(auto& self, auto&& visit) { visit("radius", self.radius); }
    friend bool operator==(const state&, const state&) = default;
  };

  state fit(context<cpu>& ctx, const example_source& training) const {
    return {radius > 0 ? std::ceil(radius) : std::ceil(median_object_diameter(ctx, training) * width / 2)};
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels, const state& s) const {
    require_rank(name, 3, "an image [H,W,C]", pixels.shape());
    tensor<float> out = grey_opening(ctx, pixels, radius_in(pixels.shape(), s));
    if (s.radius < 1) return out;
    for (index_t i = 0; i < out.size(); ++i) out[i] = pixels[i] - out[i];
    return out;
  }

  /// Of the square in an image: one that covers the image from each of its pixels is as good as any larger one.
  static index_t radius_in(const shape& image, const state& s) {
    return static_cast<index_t>(std::min(s.radius, static_cast<float>(std::max(image[0], image[1]))));
  }
};
static_assert(Preprocess<top_hat>);

}  // namespace aixcell
