#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/label_runs.hpp>

namespace aixcell {

namespace detail {

/// The least of parabolas height + (x - apex)^2, added from left to right and asked for from left to right.
class parabola_envelope {
 public:
  explicit parabola_envelope(index_t most) : parabolas_(static_cast<std::size_t>(most)) {}

  struct parabola {
    double apex, raised;  // height + apex^2
    double from;          // it is the least from here on
  };
  using position = const parabola*;

  void clear() { count_ = 0; }
  void add(double apex, double height) {
    const double raised = height + apex * apex;
    double from = -std::numeric_limits<double>::infinity();
    for (; count_ > 0; --count_) {
      const parabola& last = parabolas_[count_ - 1];
      from = (raised - last.raised) / (2 * (apex - last.apex));
      if (from > last.from) break;
    }
    parabolas_[count_++] = {apex, raised, from};
  }

  position first() const { return parabolas_.data(); }
  /// At x; `low`, the parabola that was the least to the left, moves on.
  double at(double x, position& low) const {
    const position last = parabolas_.data() + count_ - 1;
    while (low < last && low[1].from < x) ++low;
    return low->raised + x * (x - 2 * low->apex);
  }

 private:
  std::vector<parabola> parabolas_;
  std::size_t count_ = 0;
};

}  // namespace detail

/// Euclidean distance from each pixel's centre to the centre of the nearest pixel outside its object: 0 on background,
/// 1 on the rim. Pixels of other labels count as outside; beyond the image lies nothing, so an object that fills the
/// image has no outside and gets its distance to the nearest image edge. Exact: columns, then lower envelopes of
/// parabolas along rows (Meijster et al. 2000; Felzenszwalb & Huttenlocher 2012), run by run of one label. O(H W).
inline void distance_to_outside(context<cpu>& ctx, view<const std::int32_t, cpu> labels, view<float, cpu> distance) {
  require_rank("distance_to_outside", 2, "a label map [H,W]", labels.shape());
  require_equal_shapes("distance_to_outside", labels, distance);
  const index_t height = labels.extent(0), width = labels.extent(1);
  constexpr float none = 1e9f;  // no outside in this column
  if (labels.size() == 0) return;
  // Down and up each column: distance to the nearest pixel of another label. Row by row of some columns, as they lie.
  parallel_ranges(ctx, width, 512, [&](index_t begin, index_t end) {
    // Row i from the row beside it; `fresh` says that it holds nothing yet.
    const auto go_on = [&](index_t i, index_t beside, auto fresh) {
      const std::int32_t *here = labels.data() + i * width, *there = labels.data() + beside * width;
      const float* far = distance.data() + beside * width;
      float* d = distance.data() + i * width;
#pragma omp simd
      for (index_t j = begin; j < end; ++j) {
        const float one_more = there[j] != here[j] ? 1.0f : far[j] + 1;
        d[j] = here[j] > 0 ? std::min(fresh() ? none : d[j], one_more) : 0.0f;
      }
    };
    for (index_t j = begin; j < end; ++j) distance(0, j) = labels(0, j) > 0 ? none : 0.0f;
    for (index_t i = 1; i < height; ++i) go_on(i, i - 1, std::true_type{});
    for (index_t i = height - 2; i >= 0; --i) go_on(i, i + 1, std::false_type{});
  });
  parallel_ranges(ctx, height, 16, [&](index_t first_row, index_t last_row) {
    detail::parabola_envelope envelope(width + 2);
    for (index_t i = first_row; i < last_row; ++i) {
      const std::int32_t* row = labels.data() + i * width;
      float* d = distance.data() + i * width;
      for (index_t begin = 0; begin < width;) {
        const index_t end = end_of_run(row, begin, width);
        if (row[begin] > 0) {
          // Parabolas of the run's columns and of the pixels just beyond its ends, which are outside.
          envelope.clear();
          if (begin > 0) envelope.add(static_cast<double>(begin - 1), 0);
          for (index_t j = begin; j < end; ++j) envelope.add(static_cast<double>(j), static_cast<double>(d[j]) * d[j]);
          if (end < width) envelope.add(static_cast<double>(end), 0);
          auto low = envelope.first();
          for (index_t j = begin; j < end; ++j) {
            const auto found = static_cast<float>(envelope.at(static_cast<double>(j), low));
            d[j] = found < none * none / 2 ? std::sqrt(found) : static_cast<float>(std::min({i + 1, height - i, j + 1, width - j}));
          }
        }
        begin = end;
      }
    }
  });
}

}  // namespace aixcell
