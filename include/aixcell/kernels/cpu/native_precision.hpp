#pragma once
#include <aixcell/core/precision.hpp>
#include <aixcell/kernels/cpu/detail/processor.hpp>

namespace aixcell {

/// What `automatic` means on this machine; the others mean themselves, and tf32 float32, since a processor has no use for it. Without a matrix unit bfloat16 is a way to compute
/// what other machines compute, not a faster one.
inline precision native_precision(precision wanted) {
  if (wanted == precision::tf32) return precision::float32;
  if (wanted != precision::automatic) return wanted;
  return detail::processor().matrix_unit ? precision::bfloat16 : precision::float32;
}

}  // namespace aixcell
