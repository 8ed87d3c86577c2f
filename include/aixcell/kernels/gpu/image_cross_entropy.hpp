#pragma once
#include <aixcell/kernels/gpu/cross_entropy.hpp>

namespace aixcell {

namespace detail {

/// sum of an image's logits.
template <class Real>
struct image_logits {
  static constexpr std::string_view name = "image_cross_entropy: means";
  loss_pixels<Real> maps;
  int pixels;
  constexpr sums<1> operator()(int n, int p, int c) const {
    return {static_cast<double>(maps.output(n * pixels + p)[c])};
  }
};
template <class Real>
struct image_means {
  static constexpr std::string_view name = "image_cross_entropy: means";
  double pixels;
  constexpr Real operator()(int, double sum) const { return static_cast<Real>(sum / pixels); }
};

/// Every pixel has an equal share in the mean.
template <class Real>
struct image_shares {
  static constexpr std::string_view name = "image_cross_entropy: gradient";
  const Real* dmeans;  // [N,K]
  int pixels, channels, outputs, first;
  constexpr Real operator()(int i, Real before) const {
    const int c = i % outputs - first;
    if (c < 0 || c >= channels) return before;
    return before + dmeans[i / outputs / pixels * channels + c] / static_cast<Real>(pixels);
  }
};

}  // namespace detail

/// As losses/image_cross_entropy.hpp: cross_entropy_loss of the mean logits of each image, against its first pixel's target.
template <class Real, GpuDevice Device>
void image_cross_entropy_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
                              const cross_entropy_options& options, view_on<double, Device> result) {
  detail::require_loss_maps("image_cross_entropy", a, 1, result.shape());
  const auto maps = detail::loss_pixels<Real>::of(a);
  const int all = detail::pixel_count_of(a), images = static_cast<int>(a.output.extent(0));
  if (all == 0) return detail::launch_map(ctx, detail::zeros{}, loss_result_count, result.data());
  const int pixels = all / images;
  tensor<double, Device> sums(ctx, {images, a.channels});
  tensor<Real, Device> means(ctx, sums.shape()), dmeans(ctx, sums.shape());
  detail::launch_column_sums<1>(ctx, detail::image_logits<Real>{maps, pixels}, images, pixels, a.channels, sums.data());
  detail::launch_map(ctx, detail::image_means<Real>{static_cast<double>(pixels)}, sums.size(), means.data(),
                     sums.data());
  detail::launch_map(ctx, detail::zeros{}, dmeans.size(), dmeans.data());

  detail::loss_pixels<Real> of_images = maps;  // an image is a pixel of the means, its target that of its first pixel
  of_images.output_ = means.data();
  of_images.gradient_ = dmeans.data();
  of_images.outputs = a.channels;
  of_images.targets = pixels * maps.targets;
  const detail::class_weights<Real> weights{of_images, options};
  detail::launch_mean_loss(ctx, weights, detail::class_costs<Real>{weights}, images, a.scale, result.data());
  detail::launch_map(ctx, detail::image_shares<Real>{dmeans.data(), pixels, a.channels, maps.outputs, a.first_channel},
                     a.gradient.size(), a.gradient.data(), a.gradient.data());
}

}  // namespace aixcell
