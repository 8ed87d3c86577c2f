#pragma once

namespace aixcell::detail {

/// Tests with this folder before `include` have a matrix unit that is computed by plain loops, wherever its other loops run.
inline bool may_use_matrix_unit() {
#if defined(__x86_64__) && defined(__linux__)
  return __builtin_cpu_supports("avx512bw");
#else
  return false;
#endif
}

}  // namespace aixcell::detail
