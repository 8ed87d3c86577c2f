#pragma once
#include <map>
#include <utility>
#include <vector>

#include <aixcell/core/image.hpp>

namespace aixcell {

/// The nuclei of each cell: entry i lists the numbers of the nuclei of cell i+1, ascending. A nucleus belongs to the
/// cell that covers most of its pixels (the lower number on a tie), and to none if most of it lies outside all cells.
/// `cells` and `nuclei` [H,W]; the result has as many entries as the highest cell number.
/// Throws shape_error if the sizes differ. Time linear in the pixels.
inline std::vector<std::vector<std::int32_t>> nuclei_of_cells(const label_map& cells, const label_map& nuclei) {
  require_equal_shapes("nuclei_of_cells", cells, nuclei);
  std::map<std::pair<std::int32_t, std::int32_t>, index_t> overlap;  // (nucleus, cell) -> pixels
  std::int32_t highest = 0;
  for (index_t i = 0; i < cells.size(); ++i) {
    highest = std::max(highest, cells[i]);
    if (nuclei[i] > 0) ++overlap[{nuclei[i], std::max(cells[i], 0)}];
  }
  std::vector<std::vector<std::int32_t>> result(static_cast<std::size_t>(highest));
  for (auto entry = overlap.begin(); entry != overlap.end();) {
    const std::int32_t nucleus = entry->first.first;
    auto best = entry;
    for (; entry != overlap.end() && entry->first.first == nucleus; ++entry)
      if (entry->second > best->second) best = entry;
    const std::int32_t cell = best->first.second;
    if (cell > 0) result[static_cast<std::size_t>(cell - 1)].push_back(nucleus);
  }
  return result;
}

}  // namespace aixcell
