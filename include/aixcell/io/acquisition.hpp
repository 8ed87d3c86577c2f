#pragma once
#include <aixcell/io/select_channels.hpp>
#include <aixcell/io/stack_projection.hpp>

namespace aixcell {

/// How the file of an acquisition becomes the image that a pipeline sees. Part of a data set and of a model file, so that
/// new files are read as those that the model learned from.
struct acquisition {
  std::vector<std::string> channels = {};       ///< which, in this order, see find_channel; empty: all
  std::vector<std::string> channel_names = {};  ///< of the channels of a file that does not name them; empty: unknown
  z_projection z = z_projection::none;
  bool pages_are_channels = false;  ///< of a multi-page TIFF that does not say what its pages are; else: slices

  friend bool operator==(const acquisition&, const acquisition&) = default;
};

}  // namespace aixcell
