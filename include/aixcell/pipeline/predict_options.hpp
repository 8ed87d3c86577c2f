#pragma once
#include <functional>
#include <string_view>

#include <aixcell/core/shape.hpp>

namespace aixcell {

struct predict_options {
  index_t tile = 512;       ///< larger images are cut into tiles of this edge
  index_t overlap = 64;     ///< pixels that neighbouring tiles share, blended smoothly
  bool mirrored = false;    ///< average over the image and its three mirror images: better borders, four times the work
  bool keep_dense = false;  ///< leave the network's blended output in the prediction
  /// Told, when it ends, how long a stage took: preprocessing, network or decoding. Where networks run on a device, the first
  /// and the last are "preprocessing on the processor" and "decoding on the processor" if the device has no twin of them.
  std::function<void(std::string_view stage, double seconds)> took = {};
};

}  // namespace aixcell
