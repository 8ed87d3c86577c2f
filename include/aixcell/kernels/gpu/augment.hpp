#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <aixcell/kernels/augment.hpp>
#include <aixcell/kernels/gaussian_weights.hpp>
#include <aixcell/kernels/gpu/detail/on_device.hpp>

namespace aixcell {

/// A crop of an image [H,W,C], or of labels [H,W], that lies on the device. The plan must live through the call only.
template <class T, class Device>
struct crop_of {
  view<const T, Device> image;
  const crop_plan* plan;
};

namespace detail {

/// What a kernel knows of a crop; all that several have in common lies in one array of numbers.
template <class T>
struct crop_row {
  const T* image;
  index_t height, width;
  crop_map from;
  int displacement, intensities;  // where they begin among the numbers; -1: none
  float noise;                    // of crops that are blurred, after that
  random_stream numbers;
};

/// A crop that is blurred.
struct blur_row {
  int crop, weights, radius;
  float noise;
  random_stream numbers;
};

struct cut_pixels_kernel {
  static constexpr std::string_view name = "cut_pixels";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const crop_row<float>* crops, const float* numbers, int channels,
                            float* to) const {
    const crop_row<float>& crop = crops[t.block().y];
    const int edge = crop.from.edge, pixel = global_rank(t);
    if (pixel >= edge * edge) return;
    const auto taps = bilinear_taps::at(crop.from(pixel / edge, pixel % edge, numbers + crop.displacement), crop.height,
                                        crop.width, channels);
    float* const out = to + t.block().y * edge * edge * channels;
    for (int c = 0, i = pixel * channels; c < channels; ++c, ++i) {
      float v = taps(crop.image + c);
      if (crop.intensities >= 0) {
        const float* change = numbers + crop.intensities + 3 * c;
        v = intensity_change{change[0], change[1], change[2]}(v);
      }
      if (crop.noise > 0) v += crop.noise * crop.numbers.normal_ahead(2 * static_cast<std::uint64_t>(i));
      out[i] = v;
    }
  }
};

struct cut_labels_kernel {
  static constexpr std::string_view name = "cut_labels";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const crop_row<std::int32_t>* crops, const float* numbers,
                            std::int32_t* to) const {
    const crop_row<std::int32_t>& crop = crops[t.block().y];
    const int edge = crop.from.edge, pixel = global_rank(t);
    if (pixel >= edge * edge) return;
    const auto place = crop.from(pixel / edge, pixel % edge, numbers + crop.displacement);
    to[t.block().y * edge * edge + pixel] = crop.image[nearest_pixel(place, crop.height, crop.width)];
  }
};

/// Along the rows of crops into a place beside them, or along their columns and back, with noise.
template <bool Back>
struct blur_crops_kernel {
  static constexpr std::string_view name = Back ? "cut_pixels: blur columns" : "cut_pixels: blur rows";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, const blur_row* blurs, const float* numbers, int edge, int channels,
                            const float* from, float* to) const {
    const blur_row& blur = blurs[t.block().y];
    const int i = global_rank(t), values = edge * edge * channels;
    if (i >= values) return;
    const float* const source = from + (Back ? t.block().y : blur.crop) * values;
    const int step = Back ? edge * channels : channels, at = i / step % edge;
    float sum = 0;
    for (int k = -blur.radius; k <= blur.radius; ++k)
      sum +=
          numbers[blur.weights + blur.radius + k] * source[i + (static_cast<int>(reflected(at + k, edge)) - at) * step];
    if (Back && blur.noise > 0) sum += blur.noise * blur.numbers.normal_ahead(2 * static_cast<std::uint64_t>(i));
    to[(Back ? blur.crop : t.block().y) * values + i] = sum;
  }
};

/// The plans of a batch of crops as kernels read them, still on the host.
template <class T>
struct crop_tables {
  std::vector<crop_row<T>> crops;
  std::vector<blur_row> blurs;
  std::vector<float> numbers;

  template <class Device>
  crop_tables(std::string_view name, std::span<const crop_of<T, Device>> batch, const shape& to) {
    const shape crop = to.rank() == 4 ? shape{to[1], to[2], to[3]} : shape{to[1], to[2]};
    require_shape(name, {std::ssize(batch)}, {to[0]});
    for (const crop_of<T, Device>& c : batch) {
      const crop_plan& plan = *c.plan;
      require_crop(name, c.image.shape(), plan, crop);
      const bool blurred = plan.blur > 0;
      crops.push_back({c.image.data(), c.image.extent(0), c.image.extent(1), plan.from, begin(), -1,
                       blurred ? 0.0f : plan.noise, plan.numbers});
      numbers.insert(numbers.end(), plan.displacement.begin(), plan.displacement.end());
      if (!plan.intensities.empty()) crops.back().intensities = begin();
      for (const intensity_change& i : plan.intensities) numbers.insert(numbers.end(), {i.gain, i.offset, i.gamma});
      if (!blurred) continue;
      const std::vector<float> weights = gaussian_weights(plan.blur);
      blurs.push_back({static_cast<int>(crops.size()) - 1, begin(), static_cast<int>(weights.size() / 2), plan.noise,
                       plan.numbers});
      numbers.insert(numbers.end(), weights.begin(), weights.end());
    }
  }

 private:
  int begin() const { return counted("crops", std::ssize(numbers)); }
};

template <GpuDevice Device, class T>
tensor<T, Device> table_on(context<Device>& ctx, const std::vector<T>& rows) {
  tensor<T, Device> there(ctx, {std::ssize(rows)});
  copy(ctx, view<const T, cpu>(rows.data(), there.shape()), there.as_view());
  return there;
}

}  // namespace detail

/// All crops of a batch [N,E,E,C], each of an image of its own.
template <GpuDevice Device>
void cut_pixels(context<Device>& ctx, std::span<const crop_of<float, std::type_identity_t<Device>>> batch,
                view_on<float, Device> to) {
  require_rank("cut_pixels", 4, "a batch of crops [N,E,E,C]", to.shape());
  detail::counted("cut_pixels", to.size());
  const detail::crop_tables<float> plans("cut_pixels", batch, to.shape());
  if (to.empty()) return;
  const auto crops = detail::table_on(ctx, plans.crops);
  const auto blurs = detail::table_on(ctx, plans.blurs);
  const auto numbers = detail::table_on(ctx, plans.numbers);
  const int edge = static_cast<int>(to.extent(1)), channels = static_cast<int>(to.extent(3));
  const auto over = [](index_t values, index_t images) {
    return dim{blocks_for(values, 256).x, static_cast<int>(images), 1};
  };
  launch(ctx, over(edge * edge, to.extent(0)), detail::cut_pixels_kernel{}, crops.data(), numbers.data(), channels,
         to.data());
  tensor<float, Device> rows(ctx, {blurs.size(), edge, edge, channels});
  const auto blur = over(edge * edge * channels, blurs.size());
  launch(ctx, blur, detail::blur_crops_kernel<false>{}, blurs.data(), numbers.data(), edge, channels, to.data(),
         rows.data());
  launch(ctx, blur, detail::blur_crops_kernel<true>{}, blurs.data(), numbers.data(), edge, channels, rows.data(),
         to.data());
}

/// All crops of a batch [N,E,E].
template <GpuDevice Device>
void cut_labels(context<Device>& ctx, std::span<const crop_of<std::int32_t, std::type_identity_t<Device>>> batch,
                view_on<std::int32_t, Device> to) {
  require_rank("cut_labels", 3, "a batch of crops [N,E,E]", to.shape());
  detail::counted("cut_labels", to.size());
  const detail::crop_tables<std::int32_t> plans("cut_labels", batch, to.shape());
  if (to.empty()) return;
  const auto crops = detail::table_on(ctx, plans.crops);
  const auto numbers = detail::table_on(ctx, plans.numbers);
  const index_t edge = to.extent(1);
  launch(ctx, dim{blocks_for(edge * edge, 256).x, static_cast<int>(to.extent(0)), 1}, detail::cut_labels_kernel{},
         crops.data(), numbers.data(), to.data());
}

}  // namespace aixcell
