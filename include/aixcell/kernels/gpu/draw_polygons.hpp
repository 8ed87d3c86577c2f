#pragma once
#include <cmath>
#include <limits>

#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/gpu/detail/polygon_scan.hpp>

namespace aixcell {

namespace detail {

/// A block a polygon: the least number of those that cover a pixel stays, whoever comes first.
struct draw_polygons_kernel {
  static constexpr std::string_view name = "draw_polygons";
  static constexpr int threads = polygon_scan::threads;
  struct shared {
    polygon_scan::shared scan;
    polygon_scan::box box;
  };
  constexpr void operator()(auto t, shared& s, int height, int width, int count, const double* corners,
                            std::int32_t* labels) const {
    const int polygon = t.block().x;
    polygon_scan::load(t, s.scan, count, corners + 2 * polygon * count);
    t.sync();
    if (t.rank() == 0) s.box = box_of(s.scan.corners, count, height, width);
    t.sync();
    polygon_scan::for_each_pixel(t, s.scan, count, s.box,
                                 [&](int y, int x) { t.atomic_min(&labels[y * width + x], polygon + 1); });
  }

 private:
  static constexpr polygon_scan::box box_of(const double* corners, int count, int height, int width) {
    double top = height, bottom = -1, left = width, right = -1;
    for (int k = 0; k < count; ++k) {
      const double y = corners[2 * k], x = corners[2 * k + 1];
      top = y < top ? y : top;
      bottom = y > bottom ? y : bottom;
      left = x < left ? x : left;
      right = x > right ? x : right;
    }
    const auto first = [](double v) { return v > 0 ? static_cast<int>(std::floor(v)) : 0; };
    const auto last = [](double v, int end) { return v < end ? static_cast<int>(std::ceil(v)) : end; };
    return {first(top), last(bottom, height - 1), first(left), last(right, width - 1)};
  }
};

struct nobody_drawn {
  static constexpr std::string_view name = "draw_polygons: nobody";
  constexpr std::int32_t operator()(int) const { return std::numeric_limits<std::int32_t>::max(); }
};
struct drawn_label {
  static constexpr std::string_view name = "draw_polygons: label";
  constexpr std::int32_t operator()(int, std::int32_t v) const {
    return v == std::numeric_limits<std::int32_t>::max() ? 0 : v;
  }
};

}  // namespace detail

/// labels [H,W]: k + 1 where polygon k of corners [count,corners,2], rows and columns, covers a pixel's centre and none before it
/// does (even-odd rule; on an edge is inside), 0 elsewhere. 3 to 256 corners, finite, inside the map or not. Any order gives the
/// same. Throws shape_error.
template <GpuDevice Device>
void draw_polygons(context<Device>& ctx, view_on<const double, Device> corners, view_on<std::int32_t, Device> labels) {
  require_rank("draw_polygons", 3, "corners [count,corners,2]", corners.shape());
  require_rank("draw_polygons", 2, "a label map [H,W]", labels.shape());
  if (corners.extent(1) < 3 || corners.extent(1) > detail::polygon_scan::most_corners || corners.extent(2) != 2)
    detail::throw_wrong_rank("draw_polygons", "polygons of 3 to 256 corners, each a row and a column", corners.shape());
  const int pixels = detail::counted("draw_polygons", labels.size());
  detail::counted("draw_polygons", corners.size());
  detail::launch_map(ctx, detail::nobody_drawn{}, pixels, labels.data());
  launch(ctx, {pixels > 0 ? static_cast<int>(corners.extent(0)) : 0, 1, 1}, detail::draw_polygons_kernel{},
         static_cast<int>(labels.extent(0)), static_cast<int>(labels.extent(1)), static_cast<int>(corners.extent(1)),
         corners.data(), labels.data());
  detail::launch_map(ctx, detail::drawn_label{}, pixels, labels.data(),
                     static_cast<const std::int32_t*>(labels.data()));
}

}  // namespace aixcell
