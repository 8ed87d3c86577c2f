#pragma once

namespace aixcell {

struct h_maxima_options {
  float depth = 0.1f;  ///< h >= 0: a summit counts if every way to a higher one goes down by more than this
  float least = 0;     ///< what is not above this lies outside the landscape
};

}  // namespace aixcell
