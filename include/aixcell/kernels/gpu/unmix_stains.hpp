#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

/// Amount of stain s = sum over colours c of amounts[s][c] times the optical density of c.
struct stain_amounts {
  float amounts[3][3] = {};
};

namespace detail {

/// found [1] becomes 1 where a value does not fit the 8-bit scale.
struct beyond_eight_bits_kernel {
  static constexpr std::string_view name = "unmix_stains: scale";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int count, const float* values, int* found) const {
    for (int i = global_rank(t); i < count; i += grid_threads(t))
      if (!(values[i] <= 255)) {
        t.atomic_or(found, 1);
        return;
      }
  }
};

/// One thread a pixel.
struct unmix_stains_kernel {
  static constexpr std::string_view name = "unmix_stains";
  static constexpr int threads = 256;
  using shared = nothing;
  static constexpr float density(float value, float white) {
    const float inside = value < 0 ? 0.0f : value > white ? white : value;
    return std::log10((white + 1) / (inside + 1));
  }
  constexpr void operator()(auto t, shared&, int pixels, const float* rgb, const int* beyond, stain_amounts of,
                            float* out) const {
    const int p = global_rank(t);
    if (p >= pixels) return;
    const float white = beyond[0] != 0 ? 65535.0f : 255.0f;
    const float r = density(rgb[3 * p], white), g = density(rgb[3 * p + 1], white), b = density(rgb[3 * p + 2], white);
    for (int s = 0; s < 3; ++s) out[3 * p + s] = of.amounts[s][0] * r + of.amounts[s][1] * g + of.amounts[s][2] * b;
  }
};

}  // namespace detail

/// Bright-field colours [H,W,3] to amounts of three stains [H,W,3], as preprocess/colour_deconvolution.hpp: optical densities
/// against the top of the 8-bit scale, or of the 16-bit scale where a value is beyond that, unmixed. out may be rgb.
template <GpuDevice Device>
void unmix_stains(context<Device>& ctx, view_on<const float, Device> rgb, const stain_amounts& amounts,
                  view_on<float, Device> out) {
  require_rank("unmix_stains", 3, "an image [H,W,3]", rgb.shape());
  require_shape("unmix_stains", {rgb.extent(0), rgb.extent(1), 3}, rgb.shape());
  require_equal_shapes("unmix_stains", rgb, out);
  const int count = detail::counted("unmix_stains", rgb.size());
  tensor<int, Device> beyond(ctx, {1});
  const int* const known = beyond.data();
  detail::launch_map(ctx, detail::zeros{}, 1, beyond.data());
  launch(ctx, {count == 0 ? 0 : count / 4096 + 1, 1, 1}, detail::beyond_eight_bits_kernel{}, count, rgb.data(), beyond.data());
  launch(ctx, blocks_for(count / 3, 256), detail::unmix_stains_kernel{}, count / 3, rgb.data(), known, amounts, out.data());
}

}  // namespace aixcell
