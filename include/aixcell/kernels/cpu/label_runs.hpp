#pragma once
#include <cstdint>
#include <cstring>

#include <aixcell/core/view.hpp>

namespace aixcell {

/// Where the run of equal labels that begins at a column of a row ends: one beyond its last column. Eight labels at a time
/// where they are alike.
inline index_t end_of_run(const std::int32_t* row, index_t begin, index_t width) {
  const std::int32_t label = row[begin];
  const std::uint64_t two = std::uint64_t{static_cast<std::uint32_t>(label)} * 0x100000001u;
  const auto differ = [&](index_t at) {
    std::uint64_t labels;
    std::memcpy(&labels, row + at, sizeof labels);
    return labels ^ two;
  };
  index_t end = begin + 1;
  while (end + 8 <= width && (differ(end) | differ(end + 2) | differ(end + 4) | differ(end + 6)) == 0) end += 8;
  while (end < width && row[end] == label) ++end;
  return end;
}

/// Calls f(label, pixels begin..end) for the runs of equal labels that lie in rows first..last-1 of a label map [H,W].
template <class Function>
void for_each_label_run(view<const std::int32_t, cpu> labels, index_t first, index_t last, Function&& f) {
  const index_t width = labels.extent(1);
  for (index_t i = first; i < last; ++i) {
    const std::int32_t* row = labels.data() + i * width;
    for (index_t j = 0, end; j < width; j = end) {
      end = end_of_run(row, j, width);
      f(row[j], i * width + j, i * width + end);
    }
  }
}

}  // namespace aixcell
