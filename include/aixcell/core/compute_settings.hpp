#pragma once
#include <aixcell/core/precision.hpp>

namespace aixcell {

/// How networks are to compute.
struct compute_settings {
  constexpr compute_settings() = default;
  constexpr compute_settings(aixcell::precision stored, bool computes_again = false)
      : precision(stored), recompute(computes_again) {}

  aixcell::precision precision = aixcell::precision::automatic;

  /// Training keeps only what goes into each row of layers, and computes what lies between them again on the way back
  /// (Chen et al. 2016): about a third more arithmetic, the same gradients, much less memory.
  bool recompute = false;
};

}  // namespace aixcell
