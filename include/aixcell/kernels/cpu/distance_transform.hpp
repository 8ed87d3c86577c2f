#pragma once
#include <cmath>
#include <limits>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/core/parallel.hpp>

namespace aixcell {

/// Euclidean distance from each pixel's centre to the centre of the nearest pixel outside its object: 0 on background,
/// 1 on the rim. Pixels of other labels count as outside; beyond the image lies nothing, so an object that fills the
/// image has no outside and gets its distance to the nearest image edge. Exact: columns, then lower envelopes of
/// parabolas along rows (Meijster et al. 2000; Felzenszwalb & Huttenlocher 2012), run by run of one label. O(H W).
inline void distance_to_outside(context<cpu>& ctx, view<const std::int32_t, cpu> labels, view<float, cpu> distance) {
  require_rank("distance_to_outside", 2, "a label map [H,W]", labels.shape());
  require_equal_shapes("distance_to_outside", labels, distance);
  const index_t height = labels.extent(0), width = labels.extent(1);
  constexpr float none = 1e9f;  // no outside in this column
  // Down and up each column: distance to the nearest pixel of another label.
  parallel_ranges(ctx, width, 64, [&](index_t begin, index_t end) {
    for (index_t j = begin; j < end; ++j) {
      for (index_t i = 0; i < height; ++i) {
        const std::int32_t label = labels(i, j);
        distance(i, j) = label <= 0                  ? 0.0f
                         : i == 0                    ? none
                         : labels(i - 1, j) != label ? 1.0f
                                                     : std::min(none, distance(i - 1, j) + 1);
      }
      for (index_t i = height - 2; i >= 0; --i)
        if (labels(i, j) > 0)
          distance(i, j) = std::min(distance(i, j), labels(i + 1, j) != labels(i, j) ? 1.0f : distance(i + 1, j) + 1);
    }
  });
  parallel_for(ctx, height, [&](index_t i) {
    std::vector<double> squared, boundary;
    std::vector<index_t> apex;
    for (index_t begin = 0; begin < width;) {
      const std::int32_t label = labels(i, begin);
      index_t end = begin + 1;
      while (end < width && labels(i, end) == label) ++end;
      if (label > 0) {
        // Parabolas of the run's columns and of the pixels just beyond its ends, which are outside.
        const index_t left = begin > 0 ? begin - 1 : begin, right = end < width ? end + 1 : end;
        squared.clear();
        for (index_t j = left; j < right; ++j) {
          const double d = j < begin || j >= end ? 0.0 : static_cast<double>(distance(i, j));
          squared.push_back(d * d);
        }
        const auto height_of = [&](index_t j) { return squared[static_cast<std::size_t>(j - left)]; };
        apex.assign(1, left);
        boundary.assign(1, -std::numeric_limits<double>::infinity());
        for (index_t j = left + 1; j < right; ++j) {
          const auto meets = [&](index_t a) {
            return (height_of(j) + static_cast<double>(j * j) - height_of(a) - static_cast<double>(a * a)) /
                   static_cast<double>(2 * (j - a));
          };
          while (meets(apex.back()) <= boundary.back()) apex.pop_back(), boundary.pop_back();
          boundary.push_back(meets(apex.back()));
          apex.push_back(j);
        }
        std::size_t k = 0;
        for (index_t j = begin; j < end; ++j) {
          while (k + 1 < apex.size() && boundary[k + 1] < static_cast<double>(j)) ++k;
          const double d = static_cast<double>(j - apex[k]);
          const double found = std::sqrt(d * d + height_of(apex[k]));
          const auto edge = static_cast<double>(std::min({i + 1, height - i, j + 1, width - j}));
          distance(i, j) = static_cast<float>(found < 1e8 ? found : edge);
        }
      }
      begin = end;
    }
  });
}

}  // namespace aixcell
