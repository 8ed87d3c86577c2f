#pragma once
#include <aixcell/core/hyperparameter.hpp>
#include <aixcell/kernels/cpu/resize.hpp>
#include <aixcell/preprocess/object_diameter.hpp>

namespace aixcell {

/// Scales images so that objects have the size a network sees well.
///   in   [H,W,C] float32        out  [round(H s),round(W s),C], at least one pixel; s learned from the training split
struct resize_to_diameter {
  static constexpr std::string_view name = "resize_to_diameter";
  static constexpr int channels_out(int channels_in) { return channels_in; }

  float diameter = 24.0f;  ///< pixels, wanted median object diameter

  static constexpr auto hyperparameters() {
    return std::tuple{hyperparameter{"diameter", &resize_to_diameter::diameter, 8.0f, 64.0f, scale::logarithmic}};
  }

  struct state {
    float factor = 1;
    static void for_each_member(auto& self, auto&& visit) { visit("factor", self.factor); }
    friend bool operator==(const state&, const state&) = default;
  };

  state fit(context<cpu>& ctx, const example_source& training) const {
    const float found = median_object_diameter(ctx, training);
    return {found > 0 ? std::clamp(diameter / found, 0.125f, 8.0f) : 1.0f};
  }

  tensor<float> apply(context<cpu>& ctx, view<const float, cpu> pixels, const state& s) const {
    return resize_image(ctx, pixels, scaled(pixels.extent(0), s), scaled(pixels.extent(1), s));
  }

  /// What an extent of an image becomes.
  static index_t scaled(index_t extent, const state& s) {
    return std::max<index_t>(1, std::lround(static_cast<double>(extent) * static_cast<double>(s.factor)));
  }
};
static_assert(Preprocess<resize_to_diameter>);

}  // namespace aixcell
