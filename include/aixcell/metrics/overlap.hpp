#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell {

/// Label maps as the metrics read them: [H,W] int32, 0 background, `ignored_label` not annotated, any other number > 0
/// an object. Numbers may have gaps.
using label_view = view<const std::int32_t, cpu>;

/// Pixels that one true and one predicted object share; both are positions in the lists of `overlap_table`.
struct overlap {
  index_t truth;
  index_t predicted;
  index_t pixels;
};

/// The sparse intersection table of two label maps: what every metric of objects is computed from.
struct overlap_table {
  std::vector<std::int32_t> truth_labels;      ///< ascending; objects with at least one pixel that counts
  std::vector<std::int32_t> predicted_labels;  ///< likewise
  std::vector<index_t> truth_areas;            ///< pixels of each true object
  std::vector<index_t> predicted_areas;
  std::vector<overlap> pairs;  ///< objects that touch, ordered by truth, then by predicted

  index_t united(const overlap& pair) const {
    return truth_areas[static_cast<std::size_t>(pair.truth)] +
           predicted_areas[static_cast<std::size_t>(pair.predicted)] - pair.pixels;
  }
  /// Intersection over union, in (0,1].
  double iou(const overlap& pair) const { return static_cast<double>(pair.pixels) / static_cast<double>(united(pair)); }
};

namespace detail {

[[noreturn]] inline void throw_bad_label(std::int32_t label) {
  throw data_error("label map: expected labels >= -1 (0 background, -1 ignored), found " + std::to_string(label) +
                   "; renumber the objects from 1");
}

inline void require_label(std::int32_t label) {
  if (label < ignored_label) throw_bad_label(label);
}

/// Pixels with a true and a predicted label >= 0, not both 0.
struct shared_pixels {
  std::int32_t truth, predicted;
  index_t pixels;
};

/// Position of a label in an ascending list that holds it.
inline index_t position_of(const std::vector<std::int32_t>& labels, std::int32_t label) {
  return std::lower_bound(labels.begin(), labels.end(), label) - labels.begin();
}

/// Of pixels by truth, then by predicted; of one pair there may be several.
inline overlap_table table_of(const std::vector<shared_pixels>& runs) {
  overlap_table table;
  for (const shared_pixels& r : runs)
    if (r.predicted != 0) table.predicted_labels.push_back(r.predicted);
  std::sort(table.predicted_labels.begin(), table.predicted_labels.end());
  table.predicted_labels.erase(std::unique(table.predicted_labels.begin(), table.predicted_labels.end()),
                               table.predicted_labels.end());
  table.predicted_areas.assign(table.predicted_labels.size(), 0);

  for (const shared_pixels& r : runs) {
    if (r.truth != 0) {
      if (table.truth_labels.empty() || table.truth_labels.back() != r.truth) {
        table.truth_labels.push_back(r.truth);
        table.truth_areas.push_back(0);
      }
      table.truth_areas.back() += r.pixels;
    }
    if (r.predicted == 0) continue;
    const index_t p = position_of(table.predicted_labels, r.predicted);
    table.predicted_areas[static_cast<std::size_t>(p)] += r.pixels;
    if (r.truth == 0) continue;
    const index_t t = static_cast<index_t>(table.truth_labels.size()) - 1;
    if (!table.pairs.empty() && table.pairs.back().truth == t && table.pairs.back().predicted == p)
      table.pairs.back().pixels += r.pixels;
    else
      table.pairs.push_back({t, p, r.pixels});
  }
  return table;
}

}  // namespace detail

/// One pass over both maps [H,W]; pixels that either of them ignores count nowhere, so an object that lies wholly in an
/// ignored region does not exist. Memory grows with the number of horizontal runs, not with the largest label.
/// Throws shape_error if the maps differ in size, data_error on labels below -1.
inline overlap_table overlaps(label_view truth, label_view predicted) {
  require_rank("overlaps", 2, "label maps [H,W]", truth.shape());
  require_equal_shapes("overlaps", truth, predicted);

  std::vector<detail::shared_pixels> runs;
  for (index_t i = 0; i < truth.size(); ++i) {
    const std::int32_t t = truth[i], p = predicted[i];
    if (!runs.empty() && runs.back().truth == t && runs.back().predicted == p) {
      ++runs.back().pixels;
      continue;
    }
    detail::require_label(t);
    detail::require_label(p);
    if (t == ignored_label || p == ignored_label || (t == 0 && p == 0)) continue;
    runs.push_back({t, p, 1});
  }
  std::sort(runs.begin(), runs.end(), [](const detail::shared_pixels& a, const detail::shared_pixels& b) {
    return std::pair(a.truth, a.predicted) < std::pair(b.truth, b.predicted);
  });
  return detail::table_of(runs);
}

}  // namespace aixcell
