#pragma once
#include <aixcell/kernels/gpu/detail/loss_maps.hpp>

namespace aixcell {

namespace detail {

template <class Real>
struct regression_weights {
  static constexpr std::string_view name = "masked regression: weights";
  loss_pixels<Real> maps;
  constexpr sums<2> operator()(int, int p, int) const { return {maps.weight(p) * maps.channels, 0.0}; }
};

/// price(difference, slope) returns the cost of a difference and writes its derivative.
struct squared_price {
  static constexpr std::string_view name = "masked_l2";
  template <class Real>
  constexpr Real operator()(Real d, Real& slope) const {
    slope = 2 * d;
    return d * d;
  }
};
struct absolute_price {
  static constexpr std::string_view name = "masked_l1";
  template <class Real>
  constexpr Real operator()(Real d, Real& slope) const {
    slope = d > 0 ? Real(1) : d < 0 ? Real(-1) : Real(0);
    return d < 0 ? -d : d;
  }
};

template <class Price, class Real>
struct regression_costs {
  static constexpr std::string_view name = Price::name;
  loss_pixels<Real> maps;
  constexpr double operator()(int p, double total) const {
    const double weight = maps.weight(p);
    double sum = 0;
    if (!(weight > 0)) return sum;  // its target may be anything
    for (int c = 0; c < maps.channels; ++c) {
      Real slope = 0;
      sum += weight * static_cast<double>(Price{}(maps.output(p)[c] - static_cast<Real>(maps.target(p)[c]), slope));
      maps.gradient(p)[c] += static_cast<Real>(maps.scale * weight / total) * slope;
    }
    return sum;
  }
};

template <class Price, class Real, GpuDevice Device>
void launch_regression(context<Device>& ctx, const loss_maps<Real, Device>& a, view<double, Device> result) {
  require_loss_maps(Price::name, a, a.channels, result.shape());
  const auto maps = loss_pixels<Real>::of(a);
  launch_mean_loss(ctx, regression_weights<Real>{maps}, regression_costs<Price, Real>{maps}, pixel_count_of(a), a.scale,
                   result.data());
}

}  // namespace detail

/// As losses/masked_l2.hpp: weighted mean over pixels, and mean over channels, of (output - target)^2. `result` [3] as
/// loss_maps.hpp says, with the weight of pixels times channels.
template <class Real, GpuDevice Device>
void masked_l2_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
                    view_on<double, Device> result) {
  detail::launch_regression<detail::squared_price, Real, Device>(ctx, a, result);
}

/// The same of |output - target|, as losses/masked_l1.hpp.
template <class Real, GpuDevice Device>
void masked_l1_loss(context<Device>& ctx, const loss_maps<Real, std::type_identity_t<Device>>& a,
                    view_on<double, Device> result) {
  detail::launch_regression<detail::absolute_price, Real, Device>(ctx, a, result);
}

}  // namespace aixcell
