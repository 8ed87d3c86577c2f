#pragma once
#include <aixcell/kernels/gpu/detail/loss_maps.hpp>

namespace aixcell {

namespace detail {

template <class Real>
struct binary_weights {
  static constexpr std::string_view name = "binary_cross_entropy: weights";
  loss_pixels<Real> maps;
  constexpr sums<2> operator()(int, int p, int) const {
    int counted_channels = 0;
    for (int c = 0; c < maps.channels; ++c) counted_channels += !(maps.target(p)[c] < 0);
    return {maps.weight(p) * counted_channels, 0.0};
  }
};

template <class Real>
struct binary_costs {
  static constexpr std::string_view name = "binary_cross_entropy";
  loss_pixels<Real> maps;
  constexpr double operator()(int p, double total) const {
    const double weight = maps.weight(p);
    double sum = 0;
    if (!(weight > 0)) return sum;
    for (int c = 0; c < maps.channels; ++c) {
      const auto target = static_cast<Real>(maps.target(p)[c]), x = maps.output(p)[c];
      if (target < 0) continue;
      const Real e = std::exp(x < 0 ? x : -x);  // in (0,1]: nothing overflows
      const Real probability = x < 0 ? e / (1 + e) : 1 / (1 + e);
      maps.gradient(p)[c] += static_cast<Real>(maps.scale * weight / total) * (probability - target);
      sum += weight * static_cast<double>((x > 0 ? x : Real(0)) - x * target + std::log1p(e));
    }
    return sum;
  }
};

}  // namespace detail

/// As losses/binary_cross_entropy.hpp: weighted mean of -(t log s(x) + (1 - t) log(1 - s(x))); targets below 0 are skipped.
/// The gradient is added to; `result` [3] as loss_maps.hpp says. Sums in float64 and a fixed order, values in Real.
template <class Real, GpuDevice Device>
void binary_cross_entropy_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
                               view_on<double, Device> result) {
  detail::require_loss_maps("binary_cross_entropy", a, a.channels, result.shape());
  const auto maps = detail::loss_pixels<Real>::of(a);
  detail::launch_mean_loss(ctx, detail::binary_weights<Real>{maps}, detail::binary_costs<Real>{maps},
                           detail::pixel_count_of(a), a.scale, result.data());
}

}  // namespace aixcell
