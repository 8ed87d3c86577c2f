#pragma once
#include <aixcell/kernels/gpu/cross_entropy.hpp>

namespace aixcell {

/// Options of the focal loss; the array lies on the device, or is null.
struct focal_options {
  float gamma = 2;                       ///< >= 0; 0 is cross-entropy
  const float* class_weights = nullptr;  ///< [K], >= 0
};

namespace detail {

template <class Real>
struct focal_costs {
  static constexpr std::string_view name = "focal";
  class_weights<Real> weights;
  float gamma;
  constexpr double operator()(int p, double total) const {
    const auto& maps = weights.maps;
    const int classes = maps.channels, truth = class_of_pixel(maps, p, classes);
    if (truth < 0) return 0;
    const double weight = weights.weight(p, truth);
    if (!(weight > 0)) return 0;
    const Real* const logits = maps.output(p);
    Real greatest = logits[0], sum = 0;
    for (int c = 1; c < classes; ++c) greatest = logits[c] > greatest ? logits[c] : greatest;
    for (int c = 0; c < classes; ++c) sum += std::exp(logits[c] - greatest);
    // What is not the true class, summed and not subtracted from 1: near 1 nothing would be left of it.
    Real others = 0;
    for (int c = 0; c < classes; ++c)
      if (c != truth) others += std::exp(logits[c] - greatest);
    const double log_p = static_cast<double>(logits[truth] - greatest) - std::log(static_cast<double>(sum));
    const double pt = std::exp(log_p), rest = static_cast<double>(others / sum), g = static_cast<double>(gamma);
    const double modulation = std::pow(rest, g);
    const double slope = (rest > 0 ? g * pt * std::pow(rest, g - 1) * log_p : 0.0) - modulation;
    const double scale = maps.scale * weight / total;
    for (int c = 0; c < classes; ++c) {
      const auto probability = static_cast<double>(std::exp(logits[c] - greatest) / sum);
      maps.gradient(p)[c] += static_cast<Real>(scale * slope * ((c == truth ? 1.0 : 0.0) - probability));
    }
    return -weight * modulation * log_p;
  }
};

}  // namespace detail

/// As losses/focal.hpp: weighted mean over the pixels that count of -(1 - p)^gamma log p. Classes that the output does not
/// have are counted in result[2]. `result` [3] as loss_maps.hpp says.
template <class Real, GpuDevice Device>
void focal_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
                const focal_options& options, view_on<double, Device> result) {
  detail::require_loss_maps("focal", a, 1, result.shape());
  const detail::class_weights<Real> weights{detail::loss_pixels<Real>::of(a), {.class_weights = options.class_weights}};
  detail::launch_mean_loss(ctx, weights, detail::focal_costs<Real>{weights, options.gamma}, detail::pixel_count_of(a),
                           a.scale, result.data());
}

}  // namespace aixcell
