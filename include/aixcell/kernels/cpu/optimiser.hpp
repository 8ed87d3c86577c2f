#pragma once
#include <aixcell/kernels/cpu/detail/instruction_sets.hpp>

namespace aixcell {

using adamw_run = detail::adamw_run;

/// One step of Adam with decoupled weight decay on a run of values, at memory speed:
///   mean = beta1 * mean + (1 - beta1) * g,  square = beta2 * square + (1 - beta2) * g^2,
///   value = keep * value - rate * mean * correct_mean / (sqrt(square * correct_square) + epsilon)
inline void move_by_adamw(const adamw_run& run) { detail::best_instruction_set().adamw(run); }

/// In float64, in an order that depends on the count and the instruction set only.
inline double sum_of_squares(const float* x, std::ptrdiff_t count) {
  return detail::best_instruction_set().sum_of_squares(x, count);
}

}  // namespace aixcell
