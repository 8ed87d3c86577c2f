#pragma once
#include <cstddef>
#include <cstdint>

#include <aixcell/kernels/cpu/detail/processor.hpp>

namespace aixcell::detail {

/// Rows out of weighted sums of neighbouring rows: to[r][i] = sum over k < weights of weight[k] * from[r + k][i].
struct weighted_run {
  const float* const* from;  // [outputs + weights - 1]
  const float* weight;       // [weights]
  std::ptrdiff_t weights;
  float* const* to;  // [outputs]
  int outputs;       // 1 or 4
  std::ptrdiff_t count;
};

// What each loop does is said in pixel_runs.inl.

/// Extremes of one kind.
struct extreme_loops {
  void (*slide)(float* line, std::ptrdiff_t count, std::ptrdiff_t step, std::ptrdiff_t window, float* to);
  void (*advance)(const float* next, float* running, const float* behind, float* to, std::ptrdiff_t count);
  void (*join)(float* line, const float* next, std::ptrdiff_t count);
};

/// The loops over pixels of one instruction set.
struct pixel_loops {
  extreme_loops least, greatest;
  void (*weighted_sums)(const weighted_run&);
  void (*scale)(const float* from, std::ptrdiff_t count, double offset, double factor, float* to);
  void (*encode)(const float* from, std::ptrdiff_t count, double offset, double factor, std::uint8_t* to);
  void (*widen_range)(const float* from, std::ptrdiff_t count, float* low, float* high);
  bool (*as_short_numbers)(const float* from, std::ptrdiff_t count, std::uint16_t* to);
  void (*ordered_beginnings)(const float* from, std::ptrdiff_t count, std::uint16_t* to);
};

// As loops.hpp does it for networks, and apart from it: who blurs an image compiles no convolution.
namespace pixels_portable {
inline constexpr int lanes = lanes_of(instruction_level::portable);
inline void leave() {}
#include <aixcell/kernels/cpu/detail/pixel_runs.inl>
}  // namespace pixels_portable

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace pixels_avx2 {
inline constexpr int lanes = lanes_of(instruction_level::avx2);
inline void leave() { __builtin_ia32_vzeroupper(); }
#include <aixcell/kernels/cpu/detail/pixel_runs.inl>
}  // namespace pixels_avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx2,fma")
#endif
namespace pixels_avx512 {
inline constexpr int lanes = lanes_of(instruction_level::avx512);
inline void leave() { __builtin_ia32_vzeroupper(); }
#include <aixcell/kernels/cpu/detail/pixel_runs.inl>
}  // namespace pixels_avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

/// Values from one row to the next in a buffer of rows of `count`. Rows a multiple of 4 KiB apart would share the few
/// places that a cache has for such addresses, and a load would wait for a store that it has nothing to do with.
constexpr std::ptrdiff_t cache_friendly_pitch(std::ptrdiff_t count) {
  constexpr std::ptrdiff_t line = 16;
  return ((count + line - 1) / line | 1) * line;
}

inline const pixel_loops& best_pixel_loops() {
#if defined(__x86_64__)
  switch (processor().level) {
    case instruction_level::avx512:
      return pixels_avx512::loops;
    case instruction_level::avx2:
      return pixels_avx2::loops;
    case instruction_level::portable:
      break;
  }
#endif
  return pixels_portable::loops;
}

}  // namespace aixcell::detail
