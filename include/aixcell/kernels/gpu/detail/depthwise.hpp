#pragma once
#include <aixcell/kernels/gpu/detail/column_sums.hpp>
#include <aixcell/kernels/gpu/detail/conv2d_extents.hpp>

namespace aixcell::detail {

// Each channel has a filter of its own: nothing to share but the taps, so memory is the bound. One thread a value, channels
// fastest; neighbouring pixels read the same cells from cache.

template <class Stored>
struct depthwise_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "conv2d, depthwise";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, conv2d_extents e, epilogue_values<Stored> epilogue, const Stored* x,
                            const Real* filter, Stored* y) const {
    const int o = global_rank(t);
    if (o >= e.y.count()) return;
    const auto [n, p, q, c] = e.y.place_of(o);
    Real sum = 0;
    for (int r = 0; r < e.taps_down; ++r) {
      const int h = p * e.stride + r * e.dilation - e.padding;
      if (h < 0 || h >= e.x.height) continue;
      for (int s = 0; s < e.taps_right; ++s) {
        const int w = q * e.stride + s * e.dilation - e.padding;
        if (w >= 0 && w < e.x.width) sum += filter[c * e.taps() + r * e.taps_right + s] * static_cast<Real>(x[e.x.at(n, h, w, c)]);
      }
    }
    y[o] = static_cast<Stored>(epilogue(sum, c, o));
  }
};

template <class Stored>
struct depthwise_data_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "conv2d_backward_data, depthwise";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, conv2d_extents e, const Stored* dy, const Real* filter, Stored* dx) const {
    const int o = global_rank(t);
    if (o >= e.x.count()) return;
    const auto [n, h, w, c] = e.x.place_of(o);
    Real sum = 0;
    for (int r = 0; r < e.taps_down; ++r) {
      const int down = h + e.padding - r * e.dilation, p = down / e.stride;
      if (down < 0 || down % e.stride != 0 || p >= e.y.height) continue;
      for (int s = 0; s < e.taps_right; ++s) {
        const int right = w + e.padding - s * e.dilation, q = right / e.stride;
        if (right < 0 || right % e.stride != 0 || q >= e.y.width) continue;
        sum += filter[c * e.taps() + r * e.taps_right + s] * static_cast<Real>(dy[e.y.at(n, p, q, c)]);
      }
    }
    dx[o] = static_cast<Stored>(sum);
  }
};

/// Columns are (tap, channel), summed over the pixels of y.
template <class Stored>
struct depthwise_filter_sums {
  static constexpr std::string_view name = "conv2d_backward_filter, depthwise";
  conv2d_extents e;
  const Stored *x, *dy;
  constexpr sums<1> operator()(int, int pixel, int column) const {
    const int c = column % e.x.channels, tap = column / e.x.channels;
    const int q = pixel % e.y.width, p = pixel / e.y.width % e.y.height, n = pixel / e.y.width / e.y.height;
    const int h = p * e.stride + tap / e.taps_right * e.dilation - e.padding,
              w = q * e.stride + tap % e.taps_right * e.dilation - e.padding;
    if (h < 0 || h >= e.x.height || w < 0 || w >= e.x.width) return {0};
    return {static_cast<double>(x[e.x.at(n, h, w, c)]) * static_cast<double>(dy[pixel * e.y.channels + c])};
  }
};

/// dfilter [C,R,S,1] += sums [taps,C]
struct add_depthwise_sums {
  static constexpr std::string_view name = "conv2d_backward_filter, depthwise: sum";
  const double* sums;
  int taps, channels;
  template <class Real>
  constexpr Real operator()(int i, Real before) const {
    return before + static_cast<Real>(sums[i % taps * channels + i / taps]);
  }
};

}  // namespace aixcell::detail
