// The one unit with the inner loops of networks, compiled into every program that uses aixcell::loops.
#include <aixcell/kernels/cpu/detail/loops.hpp>
#include <aixcell/kernels/cpu/detail/matrix_tiles.hpp>

namespace aixcell::detail {

// Weak: a library and the program that links it may both bring this unit.
__attribute__((weak)) const instruction_set& best_instruction_set() {
  static const instruction_set chosen = best_loops();
  return chosen;
}
__attribute__((weak)) const matrix_unit& best_matrix_unit() {
  static const matrix_unit unit = matrix_loops();
  return unit;
}

}  // namespace aixcell::detail
