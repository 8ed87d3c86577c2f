#pragma once
#include <cmath>

#include <aixcell/losses/detail/regression.hpp>

namespace aixcell {

/// Weighted mean over pixels, and mean over channels, of |output - target|; the derivative at 0 is 0.
///   target   one channel for each output channel, any range; the weight says which pixels count
struct masked_l1 {
  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    return detail::regression_loss("masked_l1", ctx, a, [](double d) {
      return detail::penalty{std::abs(d), d > 0 ? 1.0 : d < 0 ? -1.0 : 0.0};
    });
  }
};
static_assert(Loss<masked_l1>);

}  // namespace aixcell
