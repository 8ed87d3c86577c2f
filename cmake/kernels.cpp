// The one unit with the kernels of networks and their commonest layers, compiled into every program that uses aixcell::kernels (whose AIXCELL_KERNELS_APART
// this unit has too).
#include <aixcell/kernels/cpu/detail/loops.hpp>
#include <aixcell/kernels/cpu/detail/matrix_tiles.hpp>
#include <aixcell/kernels/cpu/of_layers.hpp>
#include <aixcell/layers/conv_norm_act.hpp>

namespace aixcell {

namespace detail {

// Weak, as the kernels are: a library and the program that links it may both bring this unit.
__attribute__((weak)) const instruction_set& best_instruction_set() {
  static const instruction_set chosen = best_loops();
  return chosen;
}
__attribute__((weak)) const matrix_unit& best_matrix_unit() {
  static const matrix_unit unit = matrix_loops();
  return unit;
}

}  // namespace detail

// The declarations that every other unit has; without that word they are the definitions.
#define extern
#include <aixcell/kernels/cpu/detail/compiled_kernels.inl>
#include <aixcell/layers/compiled_layers.inl>
#undef extern

}  // namespace aixcell
