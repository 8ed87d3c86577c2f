#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <aixcell/core/image.hpp>
#include <aixcell/core/parallel.hpp>

namespace aixcell {

/// Floods a landscape from seeds, lowest levels first, each pixel to the seed whose flood reaches it first (Meyer
/// 1994); pixels outside the mask stay 0. The landscape in [0,1] is cut into 256 levels, floods of one level advance in
/// the order they arrived. 4-neighbours. Seeds are positive labels in `labels`, which is overwritten; masked parts
/// without a seed stay 0. O(H W). Same result for any number of threads.
inline void watershed(const context<cpu>& ctx, view<const float, cpu> landscape, view<const std::uint8_t, cpu> mask,
                      view<std::int32_t, cpu> labels) {
  require_rank("watershed", 2, "a landscape [H,W]", landscape.shape());
  require_equal_shapes("watershed", landscape, mask, labels);
  constexpr int levels = 256;
  constexpr index_t rows = 64;  // of a task
  const index_t height = landscape.extent(0), width = landscape.extent(1);
  const auto level_of = [&](index_t p) { return std::clamp(static_cast<int>(landscape[p] * levels), 0, levels - 1); };
  parallel_ranges(ctx, height, rows, [&](index_t begin, index_t end) {
    for (index_t p = begin * width; p < end * width; ++p)
      if (!mask[p]) labels[p] = 0;
  });
  // Most of a seed lies inside it, where there is nothing to flood.
  const auto is_open = [&](bool inside, index_t q) { return inside && mask[q] && labels[q] <= 0; };
  std::vector<std::vector<index_t>> rims(static_cast<std::size_t>((height + rows - 1) / rows));
  parallel_ranges(ctx, height, rows, [&](index_t begin, index_t end) {
    std::vector<index_t>& rim = rims[static_cast<std::size_t>(begin / rows)];
    for (index_t i = begin; i < end; ++i)
      for (index_t j = 0; j < width; ++j)
        if (const index_t p = i * width + j;
            labels[p] > 0 && (is_open(i > 0, p - width) || is_open(i + 1 < height, p + width) ||
                              is_open(j > 0, p - 1) || is_open(j + 1 < width, p + 1)))
          rim.push_back(p);
  });
  std::array<std::vector<index_t>, levels> queues;
  for (const std::vector<index_t>& rim : rims)
    for (const index_t p : rim) queues[static_cast<std::size_t>(level_of(p))].push_back(p);
  for (int level = 0; level < levels; ++level) {
    auto& queue = queues[static_cast<std::size_t>(level)];
    for (std::size_t k = 0; k < queue.size(); ++k) {
      const index_t p = queue[k], i = p / width, j = p % width;
      const auto flood = [&](bool inside, index_t q) {
        if (!inside || !mask[q] || labels[q] > 0) return;
        labels[q] = labels[p];
        // Water does not run uphill later than it came: a basin below the present level floods at once.
        queues[static_cast<std::size_t>(std::max(level, level_of(q)))].push_back(q);
      };
      flood(i > 0, p - width);
      flood(i + 1 < height, p + width);
      flood(j > 0, p - 1);
      flood(j + 1 < width, p + 1);
    }
    queue = {};
  }
}

}  // namespace aixcell
