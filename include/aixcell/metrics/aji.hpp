#pragma once
#include <vector>

#include <aixcell/metrics/overlap.hpp>

namespace aixcell {

/// Aggregated Jaccard index (Kumar et al. 2017, algorithm 1), in [0,1]: each true object takes the predicted object of
/// greatest IoU, several may take the same one; the intersections are summed and divided by the sum of the unions plus
/// all predicted objects that nobody took. A true object that nothing overlaps adds its area to the denominator.
/// Of equal IoU the smaller label is taken. No objects and none found gives 1.
inline double aggregated_jaccard_index(const overlap_table& table) {
  std::vector<bool> taken(table.predicted_labels.size(), false);
  index_t intersections = 0, unions = 0;
  std::size_t next = 0;
  for (index_t t = 0; t < static_cast<index_t>(table.truth_labels.size()); ++t) {
    const overlap* best = nullptr;
    for (; next < table.pairs.size() && table.pairs[next].truth == t; ++next)
      if (!best || table.iou(table.pairs[next]) > table.iou(*best)) best = &table.pairs[next];
    if (best) {
      intersections += best->pixels;
      unions += table.united(*best);
      taken[static_cast<std::size_t>(best->predicted)] = true;
    } else {
      unions += table.truth_areas[static_cast<std::size_t>(t)];
    }
  }
  for (std::size_t p = 0; p < taken.size(); ++p)
    if (!taken[p]) unions += table.predicted_areas[p];
  return unions == 0 ? 1.0 : static_cast<double>(intersections) / static_cast<double>(unions);
}

inline double aggregated_jaccard_index(label_view truth, label_view predicted) {
  return aggregated_jaccard_index(overlaps(truth, predicted));
}

}  // namespace aixcell
