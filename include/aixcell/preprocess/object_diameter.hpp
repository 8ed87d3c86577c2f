#pragma once
#include <cmath>
#include <map>
#include <numbers>
#include <vector>

#include <aixcell/preprocess/percentile.hpp>

namespace aixcell {

/// Median over all annotated objects of the diameter of the disc of equal area, in pixels; 0 if there are none.
inline float median_object_diameter(context<cpu>& ctx, const example_source& examples) {
  std::vector<std::vector<float>> by_image(static_cast<std::size_t>(examples.size()));
  parallel_for(ctx, examples.size(), [&](index_t i) {
    std::map<std::int32_t, index_t> areas;
    const example e = examples.load(i);
    for (const std::int32_t label : e.truth.labels)
      if (label > 0) ++areas[label];
    for (const auto& [label, area] : areas)
      by_image[static_cast<std::size_t>(i)].push_back(2 *
                                                      std::sqrt(static_cast<float>(area) / std::numbers::pi_v<float>));
  });
  std::vector<float> all;
  for (const auto& diameters : by_image) all.insert(all.end(), diameters.begin(), diameters.end());
  if (all.empty()) return 0;
  return percentile_of(all, 50);
}

}  // namespace aixcell
