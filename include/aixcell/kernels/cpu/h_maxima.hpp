#pragma once
#include <algorithm>
#include <vector>

#include <aixcell/kernels/cpu/connected_components.hpp>
#include <aixcell/kernels/h_maxima_options.hpp>

namespace aixcell {

/// Summits of a landscape [H,W] that stand out: the extended maxima of depth h (Soille 2004, section 6.3.4), connected
/// regions within h of their summit that touch nothing as high and no higher summit. 4-neighbours; a value that is no
/// number is outside. Numbers them 1..N, highest first, 0 elsewhere, and returns N. Pixels are taken from the highest
/// down and joined to sets; a set that meets a higher one within h of its summit is none. O(n log n) in the n pixels above
/// `least`.
inline index_t h_maxima(view<const float, cpu> landscape, const h_maxima_options& options,
                        view<std::int32_t, cpu> labels) {
  require_rank("h_maxima", 2, "a landscape [H,W]", landscape.shape());
  require_equal_shapes("h_maxima", landscape, labels);
  const index_t height = landscape.extent(0), width = landscape.extent(1);
  std::vector<index_t> order;
  for (index_t p = 0; p < landscape.size(); ++p)
    if (landscape[p] > options.least) order.push_back(p);
  std::sort(order.begin(), order.end(),
            [&](index_t a, index_t b) { return landscape[a] != landscape[b] ? landscape[a] > landscape[b] : a < b; });
  // Sets are numbered by their first and therefore highest pixel, so the smaller number is the higher summit.
  detail::disjoint_sets sets;
  std::vector<bool> stands_out(order.size(), true);
  std::vector<float> shore(order.size());  // level below which a summit's region ends
  std::fill(labels.begin(), labels.end(), -1);
  const auto each_neighbour = [&](index_t p, auto&& f) {
    const index_t i = p / width, j = p % width;
    if (i > 0) f(p - width);
    if (j > 0) f(p - 1);
    if (j + 1 < width) f(p + 1);
    if (i + 1 < height) f(p + width);
  };
  for (const index_t p : order) {
    const std::int32_t own = sets.make();
    labels[p] = own;
    stands_out[static_cast<std::size_t>(own)] = false;
    std::int32_t highest = own;
    each_neighbour(p, [&](index_t q) {
      if (labels[q] >= 0) highest = std::min(highest, sets.find(labels[q]));
    });
    stands_out[static_cast<std::size_t>(own)] = highest == own;
    shore[static_cast<std::size_t>(own)] = landscape[p] - options.depth;
    each_neighbour(p, [&](index_t q) {
      if (labels[q] < 0) return;
      const std::int32_t other = sets.find(labels[q]);
      if (other == highest) return;
      if (landscape[p] >= shore[static_cast<std::size_t>(other)]) stands_out[static_cast<std::size_t>(other)] = false;
      sets.join(other, highest);
    });
    sets.join(own, highest);
  }
  std::fill(labels.begin(), labels.end(), 0);
  std::int32_t next = 0;
  std::vector<index_t> region;
  for (std::size_t s = 0; s < order.size(); ++s) {
    if (!stands_out[s]) continue;
    ++next;
    region.assign(1, order[s]);
    labels[order[s]] = next;
    for (std::size_t k = 0; k < region.size(); ++k)
      each_neighbour(region[k], [&](index_t q) {
        if (labels[q] != 0 || !(landscape[q] > options.least) || !(landscape[q] >= shore[s])) return;
        labels[q] = next;
        region.push_back(q);
      });
  }
  return next;
}

}  // namespace aixcell
