#pragma once
#include <cstddef>
#include <cstdint>

#include <aixcell/kernels/cpu/detail/processor.hpp>

namespace aixcell::detail {

/// One row of output pixels, one block of output channels.
///   y[p, k] = act(bias[k] + sum over r, u of x[r * x_row_step + p * x_pixel_step + u] * filter[r, u, k] + residual[p, k])
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
  const float* residual;  // as y, or null: y = act(y + residual), while y is in the first-level cache
  bool relu;              // else there is no activation
};

/// 36 rows of products, one every `step` values, and the 4x4 pixels that they become.
struct winograd_results {
  const float* products;
  std::ptrdiff_t step;
  const float* bias;  // [channels], whole registers
  std::ptrdiff_t channels;
  float* const* pixels;
  const float* const* residual;  // as pixels, or null
  bool relu;
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

/// Pixels on their way through y = act(z), z = scale * x + shift + residual, or back. Stored is float, or std::uint16_t for
/// the bits of a bfloat16.
template <class Stored>
struct scaled_run {
  const Stored *dy, *x, *residual;  // [pixels, channels] each; dy on the way back only, residual may be null
  const float *scale, *shift;       // [channels]
  bool relu;                        // else there is no activation
  std::ptrdiff_t pixels, channels;
};

template <class Stored>
struct normalisation_loops {
  void (*add_sums)(const Stored* x, std::ptrdiff_t pixels, std::ptrdiff_t pixel_step, std::ptrdiff_t channels,
                   double* sums, double* squares);
  void (*scale_shift)(const scaled_run<Stored>&, Stored* y);
  void (*add_scaled_sums)(const scaled_run<Stored>&, double* sums, double* products);
  void (*scaled_gradient)(const scaled_run<Stored>&, const float* factors, Stored* dx, Stored* dresidual);
};

/// What stored values are computed in.
template <class Stored>
struct computed_type {
  using type = float;
};
template <>
struct computed_type<double> {
  using type = double;
};
template <class Stored>
using computed_in = typename computed_type<Stored>::type;

/// Neighbouring values of several images, or several places of one; what each does is said in image_runs.inl.
template <class Stored>
struct image_loops {
  void (*weighted_sum)(const Stored* const* from, const computed_in<Stored>* weight, int sources, Stored* to,
                       std::ptrdiff_t count);
  void (*greatest)(const Stored* const* from, const std::uint8_t* name, int sources, Stored* to, std::uint8_t* winner,
                   std::ptrdiff_t count);
  void (*sum_of_won)(const Stored* const* from, const std::uint8_t* const* winner, const std::uint8_t* name,
                     int sources, Stored* to, std::ptrdiff_t count);
  void (*add)(const Stored* from, Stored* to, std::ptrdiff_t count);
};

/// Parameters that Adam moves by a step; `keep` is the share of a value that weight decay leaves.
struct adamw_run {
  float *value, *mean, *square;
  const float* gradient;
  std::ptrdiff_t count;
  float beta1, beta2, epsilon, rate, keep, correct_mean, correct_square;
};

// A target attribute cannot be a template argument and the text of the loops should stand once: hence the inclusion.
// Every function in such a namespace is compiled for that instruction set, whatever flags the user's unit has. `leave`
// clears the upper halves of wide registers, which compilers do by themselves only from -O2 on: left dirty, they make all
// code after them several times slower.
namespace portable {
inline constexpr int lanes = lanes_of(instruction_level::portable), tile_pixels = 6;
inline void leave() {}
#include <aixcell/kernels/cpu/detail/convolution_tiles.inl>
#include <aixcell/kernels/cpu/detail/winograd_tiles.inl>
#include <aixcell/kernels/cpu/detail/normalisation_runs.inl>
#include <aixcell/kernels/cpu/detail/image_runs.inl>
#include <aixcell/kernels/cpu/detail/optimiser_runs.inl>
}  // namespace portable

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
inline constexpr int lanes = lanes_of(instruction_level::avx2), tile_pixels = 6;
inline void leave() { __builtin_ia32_vzeroupper(); }
#include <aixcell/kernels/cpu/detail/convolution_tiles.inl>
#include <aixcell/kernels/cpu/detail/winograd_tiles.inl>
#include <aixcell/kernels/cpu/detail/normalisation_runs.inl>
#include <aixcell/kernels/cpu/detail/image_runs.inl>
#include <aixcell/kernels/cpu/detail/optimiser_runs.inl>
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
inline constexpr int lanes = lanes_of(instruction_level::avx512), tile_pixels = 12;
inline void leave() { __builtin_ia32_vzeroupper(); }
#include <aixcell/kernels/cpu/detail/convolution_tiles.inl>
#include <aixcell/kernels/cpu/detail/winograd_tiles.inl>
#include <aixcell/kernels/cpu/detail/normalisation_runs.inl>
#include <aixcell/kernels/cpu/detail/image_runs.inl>
#include <aixcell/kernels/cpu/detail/optimiser_runs.inl>
}  // namespace avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

/// The loops of one instruction set; best_instruction_set has those that processor() asks for.
struct instruction_set {
  void (*correlate)(const correlation_row&);
  void (*accumulate_outer)(const outer_band&);
  void (*winograd_input)(const float* const* pixels, std::ptrdiff_t channels, float* to, std::ptrdiff_t step);
  void (*winograd_output)(const winograd_results&);
  void (*winograd_filter)(const float* taps, std::ptrdiff_t count, float* to);
  void (*winograd_gradient)(const float* const* pixels, std::ptrdiff_t channels, float* to, std::ptrdiff_t step);
  void (*winograd_taps)(const float* sums, std::ptrdiff_t count, float* taps);
  normalisation_loops<float> normalise_float;
  normalisation_loops<std::uint16_t> normalise_bfloat16;
  image_loops<float> float_images;
  image_loops<std::uint16_t> bfloat16_images;
  void (*narrow)(const float* from, std::uint16_t* to, std::ptrdiff_t count);
  void (*widen)(const std::uint16_t* from, float* to, std::ptrdiff_t count);
  void (*adamw)(const adamw_run&);
  double (*sum_of_squares)(const float* x, std::ptrdiff_t count);
};

inline const instruction_set& best_instruction_set() {
  static const instruction_set chosen = [] {
#if defined(__x86_64__)
    if (processor().level == instruction_level::avx512)
      return instruction_set{avx512::correlate,
                             avx512::accumulate_outer,
                             avx512::winograd_input,
                             avx512::winograd_output,
                             avx512::winograd_filter,
                             avx512::winograd_gradient,
                             avx512::winograd_taps,
                             avx512::normalisation<float>,
                             avx512::normalisation<std::uint16_t>,
                             avx512::images<float>,
                             avx512::images<std::uint16_t>,
                             avx512::narrow,
                             avx512::widen,
                             avx512::adamw,
                             avx512::sum_of_squares};
    if (processor().level == instruction_level::avx2)
      return instruction_set{avx2::correlate,
                             avx2::accumulate_outer,
                             avx2::winograd_input,
                             avx2::winograd_output,
                             avx2::winograd_filter,
                             avx2::winograd_gradient,
                             avx2::winograd_taps,
                             avx2::normalisation<float>,
                             avx2::normalisation<std::uint16_t>,
                             avx2::images<float>,
                             avx2::images<std::uint16_t>,
                             avx2::narrow,
                             avx2::widen,
                             avx2::adamw,
                             avx2::sum_of_squares};
#endif
    return instruction_set{portable::correlate,
                           portable::accumulate_outer,
                           portable::winograd_input,
                           portable::winograd_output,
                           portable::winograd_filter,
                           portable::winograd_gradient,
                           portable::winograd_taps,
                           portable::normalisation<float>,
                           portable::normalisation<std::uint16_t>,
                           portable::images<float>,
                           portable::images<std::uint16_t>,
                           portable::narrow,
                           portable::widen,
                           portable::adamw,
                           portable::sum_of_squares};
  }();
  return chosen;
}

}  // namespace aixcell::detail
