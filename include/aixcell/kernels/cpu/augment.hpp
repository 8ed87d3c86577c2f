#pragma once
#include <cstdint>

#include <aixcell/kernels/augment.hpp>
#include <aixcell/kernels/cpu/gaussian_blur.hpp>

namespace aixcell {

/// Same bits for any number of threads.
inline void cut_pixels(const context<cpu>& ctx, view<const float, cpu> image, const crop_plan& plan,
                       view<float, cpu> crop) {
  detail::require_crop("cut_pixels", image.shape(), plan, crop.shape());
  const index_t height = image.extent(0), width = image.extent(1), channels = image.extent(2),
                row = crop.extent(1) * channels;
  parallel_for(ctx, crop.extent(0), [&](index_t i) {
    float* to = crop.data() + i * row;
    for (int j = 0; j < plan.from.edge; ++j) {
      const auto place = plan.from(static_cast<int>(i), j, plan.displacement.data());
      const auto taps = detail::bilinear_taps::at(place, height, width, channels);
      for (index_t c = 0; c < channels; ++c) {
        const float v = taps(image.data() + c);
        *to++ = plan.intensities.empty() ? v : plan.intensities[static_cast<std::size_t>(c)](v);
      }
    }
  });
  if (plan.blur > 0) gaussian_blur(ctx, crop, {plan.blur, plan.blur});
  if (!(plan.noise > 0)) return;
  parallel_for(ctx, crop.extent(0), [&](index_t i) {
    random_stream numbers = plan.numbers;
    numbers.skip(static_cast<std::uint64_t>(2 * i * row));
    for (index_t k = i * row; k < (i + 1) * row; ++k) crop[k] += plan.noise * numbers.normal();
  });
}

inline void cut_labels(const context<cpu>& ctx, view<const std::int32_t, cpu> labels, const crop_plan& plan,
                       view<std::int32_t, cpu> crop) {
  detail::require_crop("cut_labels", labels.shape(), plan, crop.shape());
  parallel_for(ctx, crop.extent(0), [&](index_t i) {
    for (int j = 0; j < plan.from.edge; ++j) {
      const auto place = plan.from(static_cast<int>(i), j, plan.displacement.data());
      crop[i * plan.from.edge + j] = labels[detail::nearest_pixel(place, labels.extent(0), labels.extent(1))];
    }
  });
}

}  // namespace aixcell
