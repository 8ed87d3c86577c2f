#pragma once
#include <cstdint>
#include <cstring>

#include <aixcell/core/shape.hpp>

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

}  // namespace aixcell
