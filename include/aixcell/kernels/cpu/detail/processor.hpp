#pragma once
#include <cstdlib>
#include <string_view>

#include <aixcell/kernels/cpu/detail/may_use_matrix_unit.hpp>

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
    best.matrix_unit = at_most == "amx" && may_use_matrix_unit();
#endif
    return best;
  }();
  return found;
}

}  // namespace aixcell::detail
