#pragma once
#include <cstdlib>
#include <string_view>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace aixcell::detail {

// Which loops of this process's kernels run. Apart from the loops, so that whoever only counts needs no vector types.

enum class instruction_level { portable, avx2, avx512 };

constexpr std::string_view to_string(instruction_level level) {
  return level == instruction_level::portable ? "portable" : level == instruction_level::avx2 ? "avx2" : "avx512";
}

/// Floats in a register.
constexpr int lanes_of(instruction_level level) {
  return level == instruction_level::portable ? 4 : level == instruction_level::avx2 ? 8 : 16;
}

struct processor_features {
  instruction_level level;
  bool matrix_unit;  ///< AMX with bfloat16, and the operating system's leave to use it

  int lanes() const { return lanes_of(level); }
};

#if defined(__x86_64__) && defined(__linux__)
inline bool may_use_matrix_unit() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool has_tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) && (d >> 24 & 1);
  const bool has_conversion = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return has_tiles && has_conversion && __builtin_cpu_supports("avx512bw") &&
         syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

/// The best of what the processor has, found once per process; the environment variable AIXCELL_CPU (portable, avx2,
/// avx512, amx) can name less.
inline const processor_features& processor() {
  static const processor_features found = [] {
    processor_features best{instruction_level::portable, false};
#if defined(__x86_64__)
    const char* forced = std::getenv("AIXCELL_CPU");
    const std::string_view at_most = forced ? forced : "amx";
    if (at_most == "portable" || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return best;
    best.level = instruction_level::avx2;
    if (at_most == "avx2" || !__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl")) return best;
    best.level = instruction_level::avx512;
#if defined(__linux__)
    best.matrix_unit = at_most == "amx" && may_use_matrix_unit();
#endif
#endif
    return best;
  }();
  return found;
}

}  // namespace aixcell::detail
