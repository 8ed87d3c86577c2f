#pragma once
#include <numbers>

#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

struct outline_options {
  bool at_image_border = true;  ///< whether pixels at the border of the image are on the outline of their object
};

namespace detail {

struct outline_of_pixel {
  static constexpr std::string_view name = "outline_pixels";
  const std::int32_t* labels;
  int height, width;
  bool at_border;
  constexpr std::int32_t operator()(int p) const {
    const std::int32_t label = labels[p];
    if (label <= 0) return 0;
    const int i = p / width, j = p % width;
    const auto ends = [&](bool inside, int q) { return inside ? labels[q] != label : at_border; };
    return ends(i > 0, p - width) || ends(i + 1 < height, p + width) || ends(j > 0, p - 1) || ends(j + 1 < width, p + 1)
               ? label
               : 0;
  }
};

/// Steps of an outline, by their length: place i of a row of counts.
enum outline_step { straight_steps, diagonal_steps, mixed_steps, outline_step_count };

/// One thread a pixel of an outline: what its neighbours on it say of the way through it (Benkrid and Crookes 2000).
struct outline_steps_kernel {
  static constexpr std::string_view name = "perimeters: steps";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, int height, int width, int count, const std::int32_t* outline,
                            std::uint32_t* steps) const {
    const int p = global_rank(t), i = p / width, j = p % width;
    if (i >= height || outline[p] < 1 || outline[p] > count) return;
    const std::int32_t label = outline[p];
    const auto is_on = [&](int y, int x) {
      return y >= 0 && y < height && x >= 0 && x < width && outline[y * width + x] == label ? 1 : 0;
    };
    const int straight = is_on(i - 1, j) + is_on(i + 1, j) + is_on(i, j - 1) + is_on(i, j + 1);
    const int slanted = is_on(i - 1, j - 1) + is_on(i - 1, j + 1) + is_on(i + 1, j - 1) + is_on(i + 1, j + 1);
    const int code = 1 + 2 * straight + 10 * slanted;
    std::uint32_t* const of = steps + (label - 1) * outline_step_count;
    if (code == 5 || code == 7 || code == 15 || code == 17 || code == 25 || code == 27)
      t.atomic_add(&of[straight_steps], 1u);
    else if (code == 21 || code == 33)
      t.atomic_add(&of[diagonal_steps], 1u);
    else if (code == 13 || code == 23)
      t.atomic_add(&of[mixed_steps], 1u);
  }
};

struct perimeter_of_steps {
  static constexpr std::string_view name = "perimeters";
  const std::uint32_t* steps;
  constexpr double operator()(int i) const {
    constexpr double diagonal = std::numbers::sqrt2, mixed = (1 + std::numbers::sqrt2) / 2;
    const std::uint32_t* const of = steps + i * outline_step_count;
    return of[straight_steps] + diagonal * of[diagonal_steps] + mixed * of[mixed_steps];
  }
};

}  // namespace detail

/// outline [H,W]: the label of each object's pixels that have a 4-neighbour outside of it, 0 elsewhere.
template <GpuDevice Device>
void outline_pixels(context<Device>& ctx, view_on<const std::int32_t, Device> labels, const outline_options& o,
                    view_on<std::int32_t, Device> outline) {
  require_rank("outline_pixels", 2, "a label map [H,W]", labels.shape());
  require_equal_shapes("outline_pixels", labels, outline);
  const detail::outline_of_pixel of{labels.data(), static_cast<int>(labels.extent(0)),
                                    static_cast<int>(labels.extent(1)), o.at_image_border};
  detail::launch_map_singly(ctx, of, outline.size(), outline.data());
}

/// perimeters [count]: lengths of the outlines of objects 1..count of a label map [H,W], as measure_regions of the processor.
/// Steps are counted in integers, so that every run gives the same.
template <GpuDevice Device>
void perimeters(context<Device>& ctx, view_on<const std::int32_t, Device> labels, view_on<double, Device> found) {
  require_rank("perimeters", 1, "perimeters [count]", found.shape());
  const int pixels = detail::counted("perimeters", labels.size()), count = detail::counted("perimeters", found.size());
  tensor<std::int32_t, Device> outline(ctx, labels.shape());
  tensor<std::uint32_t, Device> steps(ctx, {count, detail::outline_step_count});
  outline_pixels(ctx, labels, {}, outline);
  detail::launch_map(ctx, detail::zeros{}, steps.size(), steps.data());
  launch(ctx, blocks_for(pixels, 256), detail::outline_steps_kernel{}, static_cast<int>(labels.extent(0)),
         static_cast<int>(labels.extent(1)), count, static_cast<const std::int32_t*>(outline.data()), steps.data());
  detail::launch_map_singly(ctx, detail::perimeter_of_steps{steps.data()}, count, found.data());
}

}  // namespace aixcell
