#pragma once
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace aixcell::detail {

/// One row of output pixels, one block of output channels.
///   y[p, k] = bias[k] + sum over r, u of x[r * x_row_step + p * x_pixel_step + u] * filter[r, u, k]
struct correlation_row {
  const float* x;  // the window of pixel 0; neighbouring columns and channels of a tap row are one contiguous run
  std::ptrdiff_t x_row_step, x_pixel_step;
  int tap_rows;
  std::ptrdiff_t window;  // columns of the filter * input channels
  const float* filter;    // [tap_rows, window, block]
  const float* bias;      // [block] or null
  int block;              // one or two registers
  int channels;           // of the block, that exist in y
  float* y;
  std::ptrdiff_t y_pixel_step;
  std::ptrdiff_t pixels;
};

/// One tap of the filter gradient over a band of rows: gradient[c, k] += sum over rows, pixels of x[.., c] * dy[.., k].
struct outer_band {
  const float* x;
  std::ptrdiff_t x_row_step, x_pixel_step;
  const float* dy;  // [rows, pixels, block], padded to whole registers
  std::ptrdiff_t dy_row_step, dy_pixel_step;
  std::ptrdiff_t rows, pixels, channels;
  int block;
  float* gradient;  // [channels, block]
};

/// Pixels on the way back through y = act(scale * x + shift + residual).
struct scaled_run {
  const float *dy, *x, *residual;  // [pixels, channels] each; residual may be null
  const float *scale, *shift;      // [channels]
  bool relu;                       // else there is no activation
  std::ptrdiff_t pixels, channels;
};

// A target attribute cannot be a template argument and the text of the loops should stand once: hence the inclusion.
// Every function in such a namespace is compiled for that instruction set, whatever flags the user's unit has. `leave`
// clears the upper halves of wide registers, which compilers do by themselves only from -O2 on: left dirty, they make all
// code after them several times slower.
namespace portable {
inline constexpr int lanes = 4, tile_pixels = 6;
inline void leave() {}
#include <aixcell/kernels/cpu/detail/convolution_tiles.inl>
#include <aixcell/kernels/cpu/detail/normalisation_runs.inl>
}  // namespace portable

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
inline constexpr int lanes = 8, tile_pixels = 6;
inline void leave() { __builtin_ia32_vzeroupper(); }
#include <aixcell/kernels/cpu/detail/convolution_tiles.inl>
#include <aixcell/kernels/cpu/detail/normalisation_runs.inl>
}  // namespace avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx2,fma")
#endif
namespace avx512 {
inline constexpr int lanes = 16, tile_pixels = 12;
inline void leave() { __builtin_ia32_vzeroupper(); }
#include <aixcell/kernels/cpu/detail/convolution_tiles.inl>
#include <aixcell/kernels/cpu/detail/normalisation_runs.inl>
}  // namespace avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

/// The loops of one instruction set.
struct instruction_set {
  std::string_view name;
  int lanes;
  void (*correlate)(const correlation_row&);
  void (*accumulate_outer)(const outer_band&);
  void (*add_scaled_sums)(const scaled_run&, double* sums, double* products);
  void (*scaled_gradient)(const scaled_run&, const float* factors, float* dx, float* dresidual);
};

/// The best one this processor has, chosen once per process; the environment variable AIXCELL_CPU (portable, avx2,
/// avx512) can name a lesser one.
inline const instruction_set& best_instruction_set() {
  static const instruction_set chosen = [] {
    const char* forced = std::getenv("AIXCELL_CPU");
    const std::string_view at_most = forced ? forced : "avx512";
#if defined(__x86_64__)
    const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (at_most == "avx512" && has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
      return instruction_set{"avx512",
                             avx512::lanes,
                             avx512::correlate,
                             avx512::accumulate_outer,
                             avx512::add_scaled_sums,
                             avx512::scaled_gradient};
    if (at_most != "portable" && has_avx2)
      return instruction_set{
          "avx2", avx2::lanes, avx2::correlate, avx2::accumulate_outer, avx2::add_scaled_sums, avx2::scaled_gradient};
#endif
    return instruction_set{"portable",
                           portable::lanes,
                           portable::correlate,
                           portable::accumulate_outer,
                           portable::add_scaled_sums,
                           portable::scaled_gradient};
  }();
  return chosen;
}

}  // namespace aixcell::detail
