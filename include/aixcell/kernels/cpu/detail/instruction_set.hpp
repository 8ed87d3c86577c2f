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
  bool far = false;       // whether x comes from beyond the second-level cache: then it is asked for ahead
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
  bool far = false;  // x is in no near cache: its next pixels are asked for while those here are multiplied
  std::ptrdiff_t ahead = 0;  // from x to them
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
  image_loops<double> double_images;  // portable ones, for gradient checks
  void (*narrow)(const float* from, std::uint16_t* to, std::ptrdiff_t count);
  void (*widen)(const std::uint16_t* from, float* to, std::ptrdiff_t count);
  void (*adamw)(const adamw_run&);
  double (*sum_of_squares)(const float* x, std::ptrdiff_t count);
};

}  // namespace aixcell::detail
