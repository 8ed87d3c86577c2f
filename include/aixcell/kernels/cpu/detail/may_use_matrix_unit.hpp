#pragma once
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace aixcell::detail {

/// Whether there is AMX with bfloat16, and the operating system gives leave to use it.
inline bool may_use_matrix_unit() {
#if defined(__x86_64__) && defined(__linux__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has_tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) && (d >> 24 & 1);
  const bool has_conversion = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return has_tiles && has_conversion && __builtin_cpu_supports("avx512bw") &&
         syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

}  // namespace aixcell::detail
