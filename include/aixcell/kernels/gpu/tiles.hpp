#pragma once
#include <aixcell/kernels/cpu/reflected.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/tiles.hpp>

namespace aixcell {

namespace detail {

/// Values of an image [H,W,C] at a place in another one.
struct image_values {
  const float* values;
  int height, width, channels;
  static image_values of(const float* values, const shape& s) {
    return {values, static_cast<int>(s[0]), static_cast<int>(s[1]), static_cast<int>(s[2])};
  }
  constexpr int row(int i) const { return i / channels / width; }
  constexpr int column(int i) const { return i / channels % width; }
  constexpr int at(int y, int x, int c) const { return (y * width + x) * channels + c; }
};

struct cut_value {
  static constexpr std::string_view name = "cut_reflected";
  image_values from, to;
  int top, left;
  constexpr float operator()(int i) const {
    const auto y = static_cast<int>(reflected(top + to.row(i), from.height)),
               x = static_cast<int>(reflected(left + to.column(i), from.width));
    return from.values[from.at(y, x, i % to.channels)];
  }
};

struct mirrored_value {
  static constexpr std::string_view name = "mirror_image";
  image_values from;
  mirrored_axes axes;
  constexpr float operator()(int i) const {
    const int y = from.row(i), x = from.column(i);
    return from.values[from.at(axes.vertical ? from.height - 1 - y : y, axes.horizontal ? from.width - 1 - x : x,
                               i % from.channels)];
  }
};

struct add_mirrored_value {
  static constexpr std::string_view name = "add_mirrored";
  image_values from;
  mirrored_axes axes;
  const std::int32_t* order;
  constexpr float operator()(int i, float sum) const {
    const int y = from.row(i), x = from.column(i), source = order[i % from.channels],
              c = (source < 0 ? -source : source) - 1;
    const float v =
        from.values[from.at(axes.vertical ? from.height - 1 - y : y, axes.horizontal ? from.width - 1 - x : x, c)];
    return sum + (source < 0 ? -v : v);
  }
};

/// One thread a value of the tile; the one of the first channel adds to the weights.
struct add_tile_kernel {
  static constexpr std::string_view name = "add_tile";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, image_values tile, const float* blend, int top, int left,
                            image_values into, float* sum, float* weights) const {
    const int i = global_rank(t);
    if (i >= tile.height * tile.width * tile.channels) return;
    const int y = tile.row(i), x = tile.column(i), c = i % tile.channels;
    const float weight = blend[y * tile.width + x];
    sum[into.at(top + y, left + x, c)] += weight * tile.values[i];
    if (c == 0) weights[(top + y) * into.width + left + x] += weight;
  }
};

struct divided_by_weight {
  static constexpr std::string_view name = "divide_by_weights";
  const float* weights;
  int channels;
  constexpr float operator()(int i, float sum) const { return sum / weights[i / channels]; }
};
struct scaled_value {
  static constexpr std::string_view name = "scale_values";
  float factor;
  constexpr float operator()(int, float v) const { return v * factor; }
};

}  // namespace detail

// The twins of kernels/cpu/tiles.hpp: kernels/tiles.hpp says what they do.

template <GpuDevice Device>
void cut_reflected(context<Device>& ctx, view_on<const float, Device> image, index_t top, index_t left,
                   view_on<float, Device> tile) {
  detail::require_tile("cut_reflected", image.shape(), tile.shape());
  detail::counted("cut_reflected", image.size());
  const detail::cut_value cut{detail::image_values::of(image.data(), image.shape()),
                              detail::image_values::of(tile.data(), tile.shape()), static_cast<int>(top),
                              static_cast<int>(left)};
  detail::launch_map_singly(ctx, cut, tile.size(), tile.data());
}

template <GpuDevice Device>
void mirror_image(context<Device>& ctx, view_on<const float, Device> image, mirrored_axes axes,
                  view_on<float, Device> out) {
  require_rank("mirror_image", 3, "an image [H,W,C]", image.shape());
  require_equal_shapes("mirror_image", image, out);
  detail::launch_map_singly(ctx, detail::mirrored_value{detail::image_values::of(image.data(), image.shape()), axes},
                            out.size(), out.data());
}

template <GpuDevice Device>
void add_mirrored(context<Device>& ctx, view_on<const float, Device> map, mirrored_axes axes,
                  view_on<const std::int32_t, Device> order, view_on<float, Device> sum) {
  require_rank("add_mirrored", 3, "a map [H,W,K]", map.shape());
  require_equal_shapes("add_mirrored", map, sum);
  require_shape("add_mirrored", {map.extent(2)}, order.shape());
  detail::launch_map_singly(
      ctx, detail::add_mirrored_value{detail::image_values::of(map.data(), map.shape()), axes, order.data()},
      sum.size(), sum.data(), static_cast<const float*>(sum.data()));
}

template <GpuDevice Device>
void add_tile(context<Device>& ctx, view_on<const float, Device> tile, view_on<const float, Device> blend, index_t top,
              index_t left, view_on<float, Device> sum, view_on<float, Device> weights) {
  detail::require_blend(tile.shape(), blend.shape(), top, left, sum.shape(), weights.shape());
  const int count = detail::counted("add_tile", tile.size());
  detail::counted("add_tile", sum.size());
  launch(ctx, blocks_for(count, 256), detail::add_tile_kernel{}, detail::image_values::of(tile.data(), tile.shape()),
         blend.data(), static_cast<int>(top), static_cast<int>(left), detail::image_values::of(sum.data(), sum.shape()),
         sum.data(), weights.data());
}

template <GpuDevice Device>
void divide_by_weights(context<Device>& ctx, view_on<const float, Device> weights, view_on<float, Device> sum) {
  detail::require_weights(sum.shape(), weights.shape());
  detail::launch_map_singly(ctx, detail::divided_by_weight{weights.data(), static_cast<int>(sum.extent(2))}, sum.size(),
                            sum.data(), static_cast<const float*>(sum.data()));
}

template <GpuDevice Device>
void scale_values(context<Device>& ctx, float factor, view_on<float, Device> x) {
  detail::launch_map(ctx, detail::scaled_value{factor}, x.size(), x.data(), static_cast<const float*>(x.data()));
}

}  // namespace aixcell
