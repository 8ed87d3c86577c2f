#pragma once
#include <aixcell/kernels/cpu/detail/instruction_set.hpp>
#include <aixcell/kernels/cpu/detail/matrix_unit.hpp>
#if !defined(AIXCELL_KERNELS_APART)
#include <aixcell/kernels/cpu/detail/loops.hpp>
#include <aixcell/kernels/cpu/detail/matrix_tiles.hpp>
#endif

namespace aixcell::detail {

// With aixcell::kernels the loops are in the unit that has the kernels.
#if defined(AIXCELL_KERNELS_APART)

/// The loops of the instruction set that processor() asks for.
const instruction_set& best_instruction_set();
/// Only where processor().matrix_unit says so.
const matrix_unit& best_matrix_unit();

#else

inline const instruction_set& best_instruction_set() {
  static const instruction_set chosen = best_loops();
  return chosen;
}
inline const matrix_unit& best_matrix_unit() {
  static const matrix_unit unit = matrix_loops();
  return unit;
}

#endif

}  // namespace aixcell::detail
