#pragma once
#include <aixcell/core/shape.hpp>

namespace aixcell::detail {

/// Position in [0, extent) of a coordinate that may lie outside, mirrored about the first and last pixel's centre
/// (`reflect` of numpy): ... 2 1 0 1 2 ... Any distance.
constexpr index_t reflected(index_t i, index_t extent) {
  if (i >= 0 && i < extent) return i;
  if (extent == 1) return 0;
  const index_t period = 2 * (extent - 1);
  i %= period;
  if (i < 0) i += period;
  return i < extent ? i : period - i;
}

}  // namespace aixcell::detail
