#pragma once
#include <aixcell/losses/detail/regression.hpp>

namespace aixcell {

/// Weighted mean over pixels, and mean over channels, of (output - target)^2.
///   target   one channel for each output channel, any range; the weight says which pixels count
struct masked_l2 {
  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    return detail::regression_loss("masked_l2", ctx, a, [](double d) { return detail::penalty{d * d, 2 * d}; });
  }
};
static_assert(Loss<masked_l2>);

}  // namespace aixcell
