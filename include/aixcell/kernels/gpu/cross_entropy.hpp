#pragma once
#include <aixcell/kernels/gpu/detail/loss_maps.hpp>

namespace aixcell {

/// Options of the softmax loss: arrays on the device, or null.
struct cross_entropy_options {
  const float* class_weights = nullptr;  ///< [K], >= 0
  const float* offsets = nullptr;        ///< [K], added to the logits
  float label_smoothing = 0;             ///< in [0,1)
};

namespace detail {

/// Class of a pixel: -1 where nobody knows, -2 where the output does not have it.
template <class Real>
constexpr int class_of_pixel(const loss_pixels<Real>& maps, int p, int classes) {
  const float truth = maps.target(p)[0];
  if (truth < 0) return -1;
  return truth < static_cast<float>(classes) ? static_cast<int>(truth) : -2;
}

template <class Real>
struct class_weights {
  static constexpr std::string_view name = "cross_entropy: weights";
  loss_pixels<Real> maps;
  cross_entropy_options options;
  constexpr double weight(int p, int truth) const {
    return maps.weight(p) * (options.class_weights ? static_cast<double>(options.class_weights[truth]) : 1.0);
  }
  constexpr sums<2> operator()(int, int p, int) const {
    const int truth = class_of_pixel(maps, p, maps.channels);
    return {truth >= 0 ? weight(p, truth) : 0.0, truth == -2 ? 1.0 : 0.0};
  }
};

template <class Real>
struct class_costs {
  static constexpr std::string_view name = "cross_entropy";
  class_weights<Real> weights;
  constexpr Real logit(int p, int c) const {
    const Real x = weights.maps.output(p)[c];
    return weights.options.offsets ? x + static_cast<Real>(weights.options.offsets[c]) : x;
  }
  constexpr double operator()(int p, double total) const {
    const int classes = weights.maps.channels, truth = class_of_pixel(weights.maps, p, classes);
    if (truth < 0) return 0;
    const double weight = weights.weight(p, truth);
    if (!(weight > 0)) return 0;
    Real greatest = logit(p, 0), sum = 0;
    for (int c = 1; c < classes; ++c) greatest = logit(p, c) > greatest ? logit(p, c) : greatest;
    for (int c = 0; c < classes; ++c) sum += std::exp(logit(p, c) - greatest);
    const Real log_sum = std::log(sum);
    const Real low = static_cast<Real>(weights.options.label_smoothing) / static_cast<Real>(classes);
    const Real high = 1 - static_cast<Real>(weights.options.label_smoothing) + low;
    const auto scale = static_cast<Real>(weights.maps.scale * weight / total);
    double cost = 0;
    for (int c = 0; c < classes; ++c) {
      const Real wanted = c == truth ? high : low, above = logit(p, c) - greatest;
      if (wanted > 0) cost += static_cast<double>(wanted * (log_sum - above));
      weights.maps.gradient(p)[c] += scale * (std::exp(above) / sum - wanted);
    }
    return weight * cost;
  }
};

}  // namespace detail

/// As losses/cross_entropy.hpp: weighted mean over the pixels that count of -log p(class). Classes that the output does not
/// have are not an error here but counted in result[2]. `result` [3] as loss_maps.hpp says. Sums in float64 and a fixed
/// order, values in Real.
template <class Real, GpuDevice Device>
void cross_entropy_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
                        const cross_entropy_options& options, view_on<double, Device> result) {
  detail::require_loss_maps("cross_entropy", a, 1, result.shape());
  const detail::class_weights<Real> weights{detail::loss_pixels<Real>::of(a), options};
  detail::launch_mean_loss(ctx, weights, detail::class_costs<Real>{weights}, detail::pixel_count_of(a), a.scale,
                           result.data());
}

}  // namespace aixcell
