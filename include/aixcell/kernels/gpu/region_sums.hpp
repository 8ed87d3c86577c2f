#pragma once
#include <limits>

#include <aixcell/kernels/gpu/detail/exclusive_scan.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

/// What is summed over the pixels of an object: place i of a row of region_sums.
enum region_sum { area_sum, y_sum, x_sum, yy_sum, yx_sum, xx_sum, region_sum_count };
/// The corners of its box, bottom and right one past the last pixel: a row of boxes.
enum region_edge { top_edge, left_edge, bottom_edge, right_edge, region_edge_count };

namespace detail {

/// A thread adds up neighbours of a row as long as they are one object's: few atomics, on integers.
struct region_sums_kernel {
  static constexpr std::string_view name = "region_sums";
  static constexpr int threads = 256, run = 16;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int height, int width, int count, const std::int32_t* labels,
                            std::uint64_t* sums, std::int32_t* boxes) const {
    const int runs = (width + run - 1) / run, task = global_rank(t), y = task / runs, begin = task % runs * run;
    if (y >= height) return;
    const int end = begin + run < width ? begin + run : width;
    for (int x = begin; x < end;) {
      const int label = labels[y * width + x], first = x;
      std::uint64_t s = 0, ss = 0;
      for (; x < end && labels[y * width + x] == label; ++x) {
        s += static_cast<std::uint64_t>(x);
        ss += static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(x);
      }
      if (label < 1 || label > count) continue;
      const auto n = static_cast<std::uint64_t>(x - first), row = static_cast<std::uint64_t>(y);
      std::uint64_t* const sum = sums + (label - 1) * region_sum_count;
      t.atomic_add(sum + area_sum, n);
      t.atomic_add(sum + y_sum, n * row);
      t.atomic_add(sum + x_sum, s);
      t.atomic_add(sum + yy_sum, n * row * row);
      t.atomic_add(sum + yx_sum, row * s);
      t.atomic_add(sum + xx_sum, ss);
      std::int32_t* const box = boxes + (label - 1) * region_edge_count;
      t.atomic_min(box + top_edge, y);
      t.atomic_min(box + left_edge, first);
      t.atomic_max(box + bottom_edge, y + 1);
      t.atomic_max(box + right_edge, x);
    }
  }
};

struct empty_box {
  static constexpr std::string_view name = "region_sums: empty boxes";
  constexpr std::int32_t operator()(int i) const {
    return i % region_edge_count < bottom_edge ? std::numeric_limits<std::int32_t>::max() : 0;
  }
};

struct large_enough {
  static constexpr std::string_view name = "remove_small: which";
  const std::uint64_t* sums;
  std::uint64_t least;
  constexpr int operator()(int i) const {
    const std::uint64_t area = sums[i * region_sum_count + area_sum];
    return area > 0 && area >= least ? 1 : 0;
  }
};
struct renumbered {
  static constexpr std::string_view name = "remove_small";
  const int* before;  // labels kept before each
  const int* kept;
  int count;
  constexpr std::int32_t operator()(int, std::int32_t label) const {
    if (label < 1 || label > count) return label < 1 ? label : 0;
    return kept[label - 1] ? before[label - 1] + 1 : 0;
  }
};

}  // namespace detail

/// Sums over the pixels of objects 1..count of a label map [H,W], and their boxes: sums [count,region_sum_count] and boxes
/// [count,region_edge_count] are overwritten; an object without a pixel has area 0, and a box that ends before it begins.
/// Integers, so that any order gives the same. Area, centroid and the second moments follow.
template <GpuDevice Device>
void region_sums(context<Device>& ctx, view_on<const std::int32_t, Device> labels, view_on<std::uint64_t, Device> sums,
                 view_on<std::int32_t, Device> boxes) {
  require_rank("region_sums", 2, "a label map [H,W]", labels.shape());
  require_rank("region_sums", 2, "sums [count,6]", sums.shape());
  require_shape("region_sums", {sums.extent(0), region_sum_count}, sums.shape());
  require_shape("region_sums", {sums.extent(0), region_edge_count}, boxes.shape());
  detail::counted("region_sums", labels.size());
  const auto height = static_cast<int>(labels.extent(0)), width = static_cast<int>(labels.extent(1)),
             count = static_cast<int>(sums.extent(0));
  detail::launch_map(ctx, detail::zeros{}, sums.size(), sums.data());
  detail::launch_map(ctx, detail::empty_box{}, boxes.size(), boxes.data());
  constexpr int run = detail::region_sums_kernel::run;
  launch(ctx, blocks_for(static_cast<std::int64_t>(height) * ((width + run - 1) / run), 256), detail::region_sums_kernel{},
         height, width, count, labels.data(), sums.data(), boxes.data());
}

/// Objects of less than `least` pixels become background, the others are numbered anew from 1 in their order; `left` [1] is how
/// many there are. `sums` are those of the labels as they were.
template <GpuDevice Device>
void remove_small_regions(context<Device>& ctx, view_on<std::int32_t, Device> labels,
                          view_on<const std::uint64_t, Device> sums, int least, view_on<std::int32_t, Device> left) {
  const auto count = static_cast<int>(sums.extent(0));
  tensor<int, Device> kept(ctx, {count}), before(ctx, {count});
  const int *const known_kept = kept.data(), *const known_before = before.data();
  detail::launch_map(ctx, detail::large_enough{sums.data(), static_cast<std::uint64_t>(least < 0 ? 0 : least)}, count,
                     kept.data());
  detail::launch_map(ctx, detail::same_value{}, count, before.data(), known_kept);
  launch(ctx, {1, 1, 1}, detail::exclusive_scan_kernel{}, count, before.data(), left.data());
  detail::launch_map(ctx, detail::renumbered{known_before, known_kept, count}, labels.size(), labels.data(),
                     static_cast<const std::int32_t*>(labels.data()));
}

}  // namespace aixcell
