#pragma once
#include <aixcell/kernels/gpu/detail/loss_maps.hpp>

namespace aixcell {

namespace detail {

template <class Real>
struct polygon_weights {
  static constexpr std::string_view name = "polar_iou: weights";
  loss_pixels<Real> maps;
  constexpr sums<2> operator()(int, int p, int) const { return {maps.weight(p), 0.0}; }
};

/// One thread a pixel, twice over its rays: a distance is worked out again rather than kept.
template <class Real>
struct polygon_costs {
  static constexpr std::string_view name = "polar_iou";
  loss_pixels<Real> maps;
  constexpr Real distance(int p, int k) const {
    const Real logarithm = maps.output(p)[k];
    return std::exp(logarithm > 12 ? Real(12) : logarithm);
  }
  constexpr double operator()(int p, double total) const {
    const double weight = maps.weight(p);
    if (!(weight > 0)) return 0;
    double united = 0, shared = 0;
    for (int k = 0; k < maps.channels; ++k) {
      const auto t = static_cast<double>(maps.target(p)[k]), d = static_cast<double>(distance(p, k));
      united += d > t ? d : t;
      shared += d > t ? t : d;
    }
    const double scale = maps.scale * weight / total;
    for (int k = 0; k < maps.channels; ++k) {
      const auto t = static_cast<double>(maps.target(p)[k]), d = static_cast<double>(distance(p, k));
      const double slope = d > t ? 1 / united : d < t ? -1 / shared : 0.0;
      maps.gradient(p)[k] += static_cast<Real>(scale * slope * d);
    }
    return weight * std::log(united / shared);
  }
};

}  // namespace detail

/// As losses/polar_iou.hpp: weighted mean over pixels of log(sum max(d, t) / sum min(d, t)) over the rays, the output being
/// log d. The gradient is added to; `result` [3] as loss_maps.hpp says. Distances in Real, sums in float64.
template <class Real, GpuDevice Device>
void polar_iou_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
                    view_on<double, Device> result) {
  detail::require_loss_maps("polar_iou", a, a.channels, result.shape());
  const auto maps = detail::loss_pixels<Real>::of(a);
  detail::launch_mean_loss(ctx, detail::polygon_weights<Real>{maps}, detail::polygon_costs<Real>{maps},
                           detail::pixel_count_of(a), a.scale, result.data());
}

}  // namespace aixcell
