#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell::detail {

/// The greatest of the distances [H,W] in each object, by its label; entry 0 is of no use. Throws data_error on labels
/// that are no numbering of objects but would cost memory as if they were.
inline std::vector<float> object_depths(view<const std::int32_t, cpu> labels, view<const float, cpu> distance) {
  constexpr std::int32_t most = 1 << 24;
  std::vector<float> depths(1, 0.0f);
  for (index_t p = 0; p < labels.size(); ++p) {
    if (labels[p] <= 0) continue;
    if (labels[p] > most)
      throw data_error("label map: label " + std::to_string(labels[p]) + " is above " + std::to_string(most) +
                       "; number the objects 1..N");
    const auto label = static_cast<std::size_t>(labels[p]);
    if (label >= depths.size()) depths.resize(label + 1, 0.0f);
    depths[label] = std::max(depths[label], distance[p]);
  }
  return depths;
}

}  // namespace aixcell::detail
