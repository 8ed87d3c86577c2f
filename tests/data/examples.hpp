#pragma once
#include <vector>

#include <aixcell/core/stages.hpp>
#include <aixcell/data/tiles.hpp>

namespace aixcell::test {

/// A dark image with bright rectangles, numbered 1.. in their order; later ones cover earlier ones.
inline example boxes(const shape& size, const std::vector<rectangle>& where) {
  example e;
  e.picture.pixels = tensor<float>({size[0], size[1], size.rank() == 3 ? size[2] : 1});
  e.truth.labels = label_map({size[0], size[1]});
  for (std::size_t n = 0; n < where.size(); ++n)
    for (aixcell::index_t y = where[n].top; y < where[n].top + where[n].height; ++y)
      for (aixcell::index_t x = where[n].left; x < where[n].left + where[n].width; ++x) {
        e.truth.labels(y, x) = static_cast<std::int32_t>(n + 1);
        for (aixcell::index_t c = 0; c < e.picture.channels(); ++c)
          e.picture.pixels(y, x, c) = static_cast<float>(100 + 10 * n) + static_cast<float>(c);
      }
  return e;
}

/// `count` objects of one pixel each, in every other column of every other row.
inline example dots(const shape& size, aixcell::index_t count) {
  std::vector<rectangle> where;
  for (aixcell::index_t y = 0; y < size[0] && count > 0; y += 2)
    for (aixcell::index_t x = 0; x < size[1] && count > 0; x += 2, --count) where.push_back({y, x, 1, 1});
  return boxes(size, where);
}

}  // namespace aixcell::test
