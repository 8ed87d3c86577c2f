#pragma once
#include <cmath>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// Sigmoid of each channel against a probability: weighted mean over pixels and channels of
/// -(t log s(x) + (1 - t) log(1 - s(x))), computed from the logit without overflow.
///   target   one channel for each output channel, in [0,1]; values below 0 are skipped
struct binary_cross_entropy {
  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    detail::require_loss_shapes("binary_cross_entropy", a, a.channels.count);
    const index pixels = detail::pixel_count(a);
    const int channels = a.channels.count;
    const double total = detail::sums_over_pixels(ctx, pixels, 1, [&](index i, std::vector<double>& sums) {
      const auto p = detail::pixel_of(a, i);
      for (int c = 0; c < channels; ++c)
        if (p.target[c] >= 0) sums[0] += p.weight;
    })[0];
    if (total <= 0) return 0;
    const double scale = static_cast<double>(a.scale) / total;
    return scale * detail::sums_over_pixels(ctx, pixels, 1, [&](index i, std::vector<double>& sums) {
      const auto p = detail::pixel_of(a, i);
      for (int c = 0; c < channels; ++c) {
        if (p.target[c] < 0 || p.weight <= 0) continue;
        const double x = static_cast<double>(p.output[c]), t = static_cast<double>(p.target[c]), e = std::exp(-std::abs(x));
        sums[0] += p.weight * (std::max(x, 0.0) - x * t + std::log1p(e));
        const double sigmoid = x >= 0 ? 1 / (1 + e) : e / (1 + e);
        p.gradient[c] += static_cast<Real>(scale * p.weight * (sigmoid - t));
      }
    })[0];
  }
};
static_assert(Loss<binary_cross_entropy>);

}  // namespace aixcell
