#pragma once
#include <vector>

#include <aixcell/kernels/cpu/connected_components.hpp>

namespace aixcell {

/// Gives the holes of every object of a label map [H,W] to the object: parts of the background (4-neighbours) that touch
/// that object alone and not the edge of the image. O(H W).
inline void fill_holes(view<std::int32_t, cpu> labels) {
  require_rank("fill_holes", 2, "a label map [H,W]", labels.shape());
  const index_t height = labels.extent(0), width = labels.extent(1);
  tensor<std::uint8_t> background(labels.shape());
  for (index_t p = 0; p < labels.size(); ++p) background[p] = labels[p] == 0;
  label_map parts(labels.shape());
  const index_t count = connected_components(background, connectivity::four, parts);
  constexpr std::int32_t nobody = 0, many = -1;
  std::vector<std::int32_t> owner(static_cast<std::size_t>(count) + 1, nobody);
  const auto part_of = [&](index_t p) { return static_cast<std::size_t>(parts[p]); };
  const auto touches = [&](index_t p, index_t q) {
    std::int32_t& o = owner[part_of(p)];
    if (labels[q] != 0 && o != labels[q]) o = o == nobody ? labels[q] : many;
  };
  for (index_t i = 0; i < height; ++i)
    for (index_t j = 0; j < width; ++j) {
      const index_t p = i * width + j;
      if (parts[p] == 0) continue;
      if (i == 0 || j == 0 || i + 1 == height || j + 1 == width) {
        owner[part_of(p)] = many;
        continue;
      }
      touches(p, p - width), touches(p, p + width), touches(p, p - 1), touches(p, p + 1);
    }
  for (index_t p = 0; p < labels.size(); ++p)
    if (parts[p] > 0 && owner[part_of(p)] > 0) labels[p] = owner[part_of(p)];
}

}  // namespace aixcell
