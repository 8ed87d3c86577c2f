#pragma once
#include <type_traits>

#include <aixcell/core/bfloat16.hpp>
#include <aixcell/kernels/cpu/detail/instruction_sets.hpp>

namespace aixcell::detail {

/// What the loops call a stored value.
template <class Real>
auto stored(Real* p) {
  if constexpr (std::is_same_v<std::remove_const_t<Real>, bfloat16>)
    return reinterpret_cast<std::conditional_t<std::is_const_v<Real>, const std::uint16_t*, std::uint16_t*>>(p);
  else
    return p;
}

/// The loops over images of Real.
template <class Real>
const auto& image_loops_of() {
  if constexpr (std::is_same_v<Real, bfloat16>)
    return best_instruction_set().bfloat16_images;
  else if constexpr (std::is_same_v<Real, float>)
    return best_instruction_set().float_images;
  else
    return best_instruction_set().double_images;
}

}  // namespace aixcell::detail
