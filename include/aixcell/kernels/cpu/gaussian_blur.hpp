#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/core/tensor.hpp>
#include <aixcell/kernels/cpu/detail/pixel_loops.hpp>
#include <aixcell/kernels/cpu/reflected.hpp>
#include <aixcell/kernels/gaussian_weights.hpp>

namespace aixcell {

struct blur_deviations {
  float y, x;  ///< pixels; a direction with 0 is left alone
};

namespace detail {

/// Blurs rows along themselves, out of an image.
class row_blur {
 public:
  row_blur(view<const float, cpu> pixels, std::vector<float> weights)
      : pixels_(pixels),
        width_(pixels.extent(1)),
        channels_(pixels.size() / (pixels.extent(0) * width_)),
        weights_(std::move(weights)),
        radius_(std::ssize(weights_) / 2),
        padded_(static_cast<std::size_t>((width_ + 2 * radius_) * channels_)),
        sources_(weights_.size()) {}

  void blur(index_t y, float* to) {
    const float* row = pixels_.data() + y * width_ * channels_;
    float* const first = padded_.data() + radius_ * channels_;
    const auto copy_pixel = [&](index_t x) {
      std::copy_n(row + reflected(x, width_) * channels_, channels_, first + x * channels_);
    };
    for (index_t x = -radius_; x < 0; ++x) copy_pixel(x);
    std::copy_n(row, width_ * channels_, first);
    for (index_t x = width_; x < width_ + radius_; ++x) copy_pixel(x);
    for (std::size_t k = 0; k < sources_.size(); ++k)
      sources_[k] = padded_.data() + static_cast<index_t>(k) * channels_;
    best_pixel_loops().weighted_sums(
        {sources_.data(), weights_.data(), std::ssize(weights_), &to, 1, width_ * channels_});
  }

 private:
  view<const float, cpu> pixels_;
  index_t width_, channels_;
  std::vector<float> weights_;
  index_t radius_;
  std::vector<float> padded_;
  std::vector<const float*> sources_;
};

/// Blurs rows begin..end-1 in place, along columns while the rows around still lie in the cache: the last ones, blurred
/// along themselves, are kept in turn. `outside` holds such rows for the `radius` above the band and then those below.
inline void blur_band(view<float, cpu> pixels, index_t begin, index_t end, row_blur along,
                      const std::vector<float>& weights, const float* outside) {
  constexpr index_t at_once = 4;
  const index_t row = pixels.size() / pixels.extent(0), radius = std::ssize(weights) / 2;
  const index_t kept = std::min(2 * radius + at_once, end - begin), pitch = cache_friendly_pitch(row);
  std::vector<float> recent(static_cast<std::size_t>(kept * pitch));
  const auto recent_row = [&](index_t y) { return recent.data() + (y - begin) % kept * pitch; };
  const auto blurred = [&](index_t y) -> const float* {
    if (y < begin) return outside + (y - begin + radius) * row;
    return y < end ? recent_row(y) : outside + (y - end + radius) * row;
  };
  std::vector<const float*> sources(weights.size() + at_once - 1);
  std::array<float*, at_once> to{};
  index_t next = begin;
  for (index_t y = begin, rows = 0; y < end; y += rows) {
    rows = y + at_once <= end ? at_once : 1;
    for (; next < std::min(y + rows + radius, end); ++next) along.blur(next, recent_row(next));
    for (index_t k = 0; k < std::ssize(weights) + rows - 1; ++k)
      sources[static_cast<std::size_t>(k)] = blurred(y - radius + k);
    for (index_t r = 0; r < rows; ++r) to[static_cast<std::size_t>(r)] = pixels.data() + (y + r) * row;
    best_pixel_loops().weighted_sums(
        {sources.data(), weights.data(), std::ssize(weights), to.data(), static_cast<int>(rows), row});
  }
}

}  // namespace detail

/// Gaussian blur of [H,W] or [H,W,C] in place, mirrored at the border, cut at three deviations. Throws shape_error for
/// another rank. O(H W C deviation) time; memory for a few rows, not for the image. Same bits for any number of threads.
inline void gaussian_blur(const context<cpu>& ctx, view<float, cpu> pixels, blur_deviations deviation) {
  const shape& s = pixels.shape();
  if (s.rank() != 2 && s.rank() != 3)
    throw shape_error("gaussian_blur: expected an image [H,W] or [H,W,C], found " + to_string(s));
  if (pixels.empty() || (deviation.y <= 0 && deviation.x <= 0)) return;
  const detail::row_blur along(pixels, detail::gaussian_weights(deviation.x));
  const std::vector<float> down = detail::gaussian_weights(deviation.y);
  const index_t height = s[0], row = pixels.size() / height, radius = std::ssize(down) / 2, around = 2 * radius;
  // Each band asks for the rows around it before any is overwritten: few bands.
  const index_t bands = std::clamp<index_t>(height / (8 * radius + 8), 1, ctx.threads());
  const auto begin_of = [&](index_t band) { return band * height / bands; };
  std::vector<float> outside(static_cast<std::size_t>(bands * around * row));
  parallel_for(ctx, bands, [&](index_t band) {
    detail::row_blur own = along;
    for (index_t k = 0; k < around; ++k) {
      const index_t y = k < radius ? begin_of(band) - radius + k : begin_of(band + 1) + k - radius;
      own.blur(detail::reflected(y, height), outside.data() + (band * around + k) * row);
    }
  });
  parallel_for(ctx, bands, [&](index_t band) {
    detail::blur_band(pixels, begin_of(band), begin_of(band + 1), along, down, outside.data() + band * around * row);
  });
}

}  // namespace aixcell
