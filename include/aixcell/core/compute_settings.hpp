#pragma once
#include <aixcell/core/precision.hpp>

namespace aixcell {

/// What training computes again on the way back instead of keeping it from the way there. The gradients are the same bits.
enum class recomputation {
  none,
  selective,  ///< what is quick to compute: normalisations, activations, gates, enlargements (Korthikanti et al. 2022)
  full        ///< all between what goes into each row of layers (Chen et al. 2016): about a third more arithmetic
};

/// How networks are to compute.
struct compute_settings {
  constexpr compute_settings() = default;
  constexpr compute_settings(aixcell::precision stored, recomputation again = recomputation::none)
      : precision(stored), recompute(again) {}

  aixcell::precision precision = aixcell::precision::automatic;

  recomputation recompute = recomputation::none;

  /// The steps of a training on a device are recorded once for each shape of a batch and from then on enqueued as a whole
  /// (device/recorded_work.hpp); false: launch by launch. The same values either way.
  bool record_steps = true;
};

}  // namespace aixcell
