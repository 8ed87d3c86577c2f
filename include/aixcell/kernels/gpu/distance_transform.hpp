#pragma once
#include <cmath>

#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell {

namespace detail {

/// Down and up each column: cells to the nearest pixel of another label, 0 on background, -1 where the column has none. One
/// thread a column: neighbours in a warp are neighbours in memory.
struct column_distances_kernel {
  static constexpr std::string_view name = "distance_to_outside: columns";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int height, int width, const std::int32_t* labels, int* cells) const {
    const int x = global_rank(t);
    if (x >= width) return;
    int distance = -1;
    std::int32_t above = 0;
    for (int y = 0; y < height; ++y) {
      const std::int32_t label = labels[y * width + x];
      distance = label <= 0 ? 0 : y > 0 && label != above ? 1 : distance < 0 || y == 0 ? -1 : distance + 1;
      cells[y * width + x] = distance;
      above = label;
    }
    std::int32_t below = height > 0 ? labels[(height - 1) * width + x] : 0;
    distance = height > 0 ? cells[(height - 1) * width + x] : 0;
    for (int y = height - 2; y >= 0; --y) {
      const int i = y * width + x;
      const std::int32_t label = labels[i];
      const int from_below = label != below ? 1 : distance < 0 ? -1 : distance + 1, so_far = cells[i];
      distance = label <= 0 ? 0 : so_far < 0 ? from_below : from_below < 0 || so_far < from_below ? so_far : from_below;
      cells[i] = distance;
      below = label;
    }
  }
};

/// Along the row, outwards from each pixel, until no column can be nearer: exact, and as long as the distance. Objects in
/// microscopy are tens of pixels wide, where this beats envelopes of parabolas, which would be one thread a row.
struct row_distances_kernel {
  static constexpr std::string_view name = "distance_to_outside: rows";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int height, int width, const std::int32_t* labels, const int* cells,
                            float* distance) const {
    const int i = global_rank(t), y = i / width, x = i % width;
    if (y >= height) return;
    const std::int32_t label = labels[i];
    if (label <= 0) {
      distance[i] = 0;
      return;
    }
    constexpr int none = 0x7fffffff;
    int best = cells[i] < 0 ? none : cells[i] * cells[i];
    bool inside_left = true, inside_right = true;  // of the run of this label
    for (int k = 1; (inside_left || inside_right) && k < width && k * k < best; ++k)
      for (const int side : {-1, 1}) {
        bool& inside = side < 0 ? inside_left : inside_right;
        const int column = x + side * k;
        if (!inside) continue;
        if (column < 0 || column >= width) {
          inside = false;
          continue;
        }
        const int at = i + side * k;
        inside = labels[at] == label;
        const int down = inside ? cells[at] : 0;  // what is beyond the run is outside
        if (down >= 0 && k * k + down * down < best) best = k * k + down * down;
      }
    if (best == none) {  // nothing is outside: to the nearest edge of the image
      const int vertical = y + 1 < height - y ? y + 1 : height - y, horizontal = x + 1 < width - x ? x + 1 : width - x;
      distance[i] = static_cast<float>(vertical < horizontal ? vertical : horizontal);
    } else {
      distance[i] = static_cast<float>(std::sqrt(static_cast<double>(best)));
    }
  }
};

}  // namespace detail

/// As the twin for the processor, to the bit: Euclidean distance from each pixel's centre to that of the nearest pixel outside
/// its object; 0 on background; to the nearest image edge where nothing is outside. Edges up to 2^15, else shape_error. Time
/// grows with the distances.
template <GpuDevice Device>
void distance_to_outside(context<Device>& ctx, view_on<const std::int32_t, Device> labels,
                         view_on<float, Device> distance) {
  require_rank("distance_to_outside", 2, "a label map [H,W]", labels.shape());
  require_equal_shapes("distance_to_outside", labels, distance);
  detail::counted("distance_to_outside", labels.size());
  if (labels.extent(0) > 1 << 15 || labels.extent(1) > 1 << 15)
    detail::throw_wrong_rank("distance_to_outside", "edges up to 32768 on a GPU", labels.shape());
  const auto height = static_cast<int>(labels.extent(0)), width = static_cast<int>(labels.extent(1));
  tensor<int, Device> cells(ctx, labels.shape());
  const int* const known = cells.data();
  launch(ctx, blocks_for(width, 64), detail::column_distances_kernel{}, height, width, labels.data(), cells.data());
  launch(ctx, blocks_for(labels.size(), 256), detail::row_distances_kernel{}, height, width, labels.data(), known,
         distance.data());
}

}  // namespace aixcell
