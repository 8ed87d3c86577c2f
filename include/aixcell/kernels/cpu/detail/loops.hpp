#pragma once
#include <aixcell/kernels/cpu/detail/instruction_set.hpp>

namespace aixcell::detail {

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

/// Those that processor() asks for.
inline instruction_set best_loops() {
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
                           portable::images<double>,
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
                           portable::images<double>,
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
                         portable::images<double>,
                         portable::narrow,
                         portable::widen,
                         portable::adamw,
                         portable::sum_of_squares};
}

}  // namespace aixcell::detail
