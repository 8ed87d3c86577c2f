#pragma once
#include <aixcell/kernels/cpu/detail/matrix_unit.hpp>

namespace aixcell::detail {

#if defined(__x86_64__) && defined(__linux__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma")
#endif
namespace amx {
#include <aixcell/kernels/cpu/detail/matrix_tiles.inl>
}  // namespace amx
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

inline matrix_unit matrix_loops() {
#if defined(__x86_64__) && defined(__linux__)
  return {amx::correlate,    amx::accumulate_outer, amx::to_pairs, amx::to_rows,
          amx::pack_outputs, amx::pack_inputs,      amx::add_tile};
#else
  return {};
#endif
}

}  // namespace aixcell::detail
