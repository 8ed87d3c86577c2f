#pragma once

namespace aixcell {

/// How points follow a flow.
struct follow_options {
  int steps = 200;
  /// Pixels. A point that is so near to where it was two steps ago has arrived, or swings about a sink and would until the
  /// end; 0 walks all steps.
  float rest = 0.1f;
};

}  // namespace aixcell
