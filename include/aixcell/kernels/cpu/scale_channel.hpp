#pragma once
#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/detail/pixel_loops.hpp>

namespace aixcell {

/// to = (from - offset) * factor, in float64: differences of float32 values need not be a float32.
struct channel_scale {
  double offset, factor;
};

/// Scales `count` values, one every `step`, into places as far apart; `to` may be `from`. Same bits on every processor.
inline void scale_channel(const context<cpu>& ctx, const channel_scale& by, const float* from, index_t count,
                          index_t step, float* to) {
  parallel_ranges(ctx, count, index_t{1} << 16, [&](index_t begin, index_t end) {
    if (step == 1) return detail::best_pixel_loops().scale(from + begin, end - begin, by.offset, by.factor, to + begin);
    for (index_t p = begin; p < end; ++p)
      to[p * step] = static_cast<float>((static_cast<double>(from[p * step]) - by.offset) * by.factor);
  });
}

}  // namespace aixcell
