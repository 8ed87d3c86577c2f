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

/// The taps of an axis on the device, while they live.
template <GpuDevice Device>
class resample_taps {
 public:
  resample_taps(context<Device>& ctx, index_t from, index_t to) : from_(from), to_(to) {
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
    places_ = to_there(ctx, places);
    weights_ = to_there(ctx, weights);
  }
  /// Of an image in which `apart` values lie between neighbours on the axis.
  resample of(const float* image, index_t apart) const {
    return {
        places_.data(),          places_.data() + to_,  weights_.data(),         static_cast<int>(weights_.extent(1)),
        static_cast<int>(from_), static_cast<int>(to_), static_cast<int>(apart), image};
  }

 private:
  template <class T>
  static tensor<T, Device> to_there(context<Device>& ctx, const tensor<T, cpu>& here) {
    tensor<T, Device> there(ctx, here.shape());
    copy(ctx, here.as_view(), there.as_view());
    return there;
  }

  index_t from_, to_;
  tensor<std::int32_t, Device> places_;
  tensor<float, Device> weights_;
};

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
  const detail::resample_taps<Device> down(ctx, image.extent(0), height), across(ctx, from_width, out.extent(1));
  detail::launch_map_singly(ctx, down.of(image.data(), from_width * channels), rows.size(), rows.data());
  detail::launch_map_singly(ctx, across.of(rows.data(), channels), out.size(), out.data());
}

}  // namespace aixcell
