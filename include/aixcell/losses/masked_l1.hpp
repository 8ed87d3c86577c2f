#pragma once
#include <cmath>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// Weighted mean over pixels, and mean over channels, of |output - target|; the derivative at 0 is 0.
///   target   one channel for each output channel, any range; the weight says which pixels count
struct masked_l1 {
  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    detail::require_loss_shapes("masked_l1", a, a.channels.count);
    const index pixels = detail::pixel_count(a);
    const double total = detail::sums_over_pixels(ctx, pixels, 1, [&](index i, std::vector<double>& sums) {
      sums[0] += std::max(0.0, detail::pixel_of(a, i).weight);  // below 0: nobody knows
    })[0];
    if (total <= 0) return 0;
    const double scale = static_cast<double>(a.scale) / (total * a.channels.count);
    return scale * detail::sums_over_pixels(ctx, pixels, 1, [&](index i, std::vector<double>& sums) {
      const auto p = detail::pixel_of(a, i);
      if (p.weight <= 0) return;
      for (int c = 0; c < a.channels.count; ++c) {
        const double d = static_cast<double>(p.output[c]) - static_cast<double>(p.target[c]);
        sums[0] += p.weight * std::abs(d);
        p.gradient[c] += static_cast<Real>(scale * p.weight * (d > 0 ? 1 : d < 0 ? -1 : 0));
      }
    })[0];
  }
};
static_assert(Loss<masked_l1>);

}  // namespace aixcell
