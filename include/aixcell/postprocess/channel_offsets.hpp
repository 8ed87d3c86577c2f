#pragma once

namespace aixcell {

/// Where a representation's channels begin in a map that holds several.
struct channel_offsets {
  int output = 0;
  int target = 0;
};

}  // namespace aixcell
