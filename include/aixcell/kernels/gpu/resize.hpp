#pragma once
#include <aixcell/kernels/detail/resample_axis.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

/// A target value from its taps along one axis; `apart` values lie between neighbours on it.
struct resample {
  static constexpr std::string_view name = "resize_image";
  const std::int32_t *first, *taps;
  const float* weights;  // [to, most_taps]
  int most_taps, from, to, apart;
  const float* image;
  constexpr float operator()(int i) const {
    const int position = i / apart % to, outer = i / apart / to;
    const float* const begin = image + (outer * from + first[position]) * apart + i % apart;
    float sum = 0;
    for (int k = 0; k < taps[position]; ++k) sum += weights[position * most_taps + k] * begin[k * apart];
    return sum;
  }
};

template <GpuDevice Device>
void resample_along(context<Device>& ctx, view<const float, Device> image, index_t from, index_t to, index_t apart,
                    view<float, Device> out) {
  const resample_axis axis = linear_axis(from, to);
  std::size_t most = 1;
  for (const auto& w : axis.weights) most = std::max(most, w.size());
  tensor<std::int32_t, cpu> places({2, to});
  tensor<float, cpu> weights({to, static_cast<index_t>(most)});
  for (index_t t = 0; t < to; ++t) {
    const auto& w = axis.weights[static_cast<std::size_t>(t)];
    places(0, t) = static_cast<std::int32_t>(axis.first[static_cast<std::size_t>(t)]);
    places(1, t) = static_cast<std::int32_t>(w.size());
    std::copy(w.begin(), w.end(), weights.slice(t).begin());
  }
  tensor<std::int32_t, Device> places_there(ctx, places.shape());
  tensor<float, Device> weights_there(ctx, weights.shape());
  copy(ctx, std::as_const(places).as_view(), places_there.as_view());
  copy(ctx, std::as_const(weights).as_view(), weights_there.as_view());
  launch_map_singly(
      ctx,
      resample{places_there.data(), places_there.data() + to, weights_there.data(), static_cast<int>(most),
               static_cast<int>(from), static_cast<int>(to), static_cast<int>(apart), image.data()},
      out.size(), out.data());
}

}  // namespace detail

/// As the twin for the processor, but for rounding: an image [H,W,C] at another size [height,width,C], linear, without
/// aliasing. Throws shape_error on an empty image or size.
template <GpuDevice Device>
void resize_image(context<Device>& ctx, view_on<const float, Device> image, view_on<float, Device> out) {
  require_rank("resize_image", 3, "an image [H,W,C]", image.shape());
  require_rank("resize_image", 3, "an image [H,W,C]", out.shape());
  require_shape("resize_image", {out.extent(0), out.extent(1), image.extent(2)}, out.shape());
  if (image.empty() || out.empty()) detail::throw_wrong_rank("resize_image", "images with a pixel", image.shape());
  const index_t height = out.extent(0), from_width = image.extent(1), channels = image.extent(2);
  tensor<float, Device> rows(ctx, {height, from_width, channels});
  detail::counted("resize_image", std::max({image.size(), rows.size(), out.size()}));
  detail::resample_along<Device>(ctx, image, image.extent(0), height, from_width * channels, rows);
  detail::resample_along<Device>(ctx, rows, from_width, out.extent(1), channels, out);
}

}  // namespace aixcell
