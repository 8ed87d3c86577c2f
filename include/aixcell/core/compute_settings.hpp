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

  /// The steps of a training on a device are recorded once for each shape of a batch and from then on enqueued as a whole
  /// (device/recorded_work.hpp); false: launch by launch. The same values either way.
  bool record_steps = true;
};

}  // namespace aixcell
