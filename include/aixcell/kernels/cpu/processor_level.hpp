#pragma once
#include <string>

#include <aixcell/kernels/cpu/detail/processor.hpp>

namespace aixcell {

/// Which loops this process runs: portable, avx2, avx512 or amx, as AIXCELL_CPU names them.
inline std::string processor_level() {
  const detail::processor_features& found = detail::processor();
  return found.matrix_unit ? "amx" : std::string(to_string(found.level));
}

}  // namespace aixcell
