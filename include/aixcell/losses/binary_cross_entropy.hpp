#pragma once
#include <algorithm>
#include <cmath>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// Sigmoid of each channel against a probability: weighted mean over pixels and channels of
/// -(t log s(x) + (1 - t) log(1 - s(x))), computed from the logit without overflow.
///   target   one channel for each output channel, in [0,1]; values below 0 are skipped
struct binary_cross_entropy {
  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    const int channels = a.channels.count;
    detail::require_loss_shapes("binary_cross_entropy", a, channels);
    const index_t pixels = detail::pixel_count(a);
    // Sums f(pixel, channel) over the values that count.
    const auto sum_of_values = [&](auto&& f) {
      return detail::sum_over_pixels(ctx, pixels, [&](index_t begin, index_t end) {
        double sum = 0;
        for (index_t i = begin; i < end; ++i) {
          const detail::loss_pixel<Real> p = detail::pixel_of(a, i);
          if (p.weight <= 0) continue;
          for (int c = 0; c < channels; ++c)
            if (!(p.target[c] < 0)) sum += f(p, c);
        }
        return sum;
      });
    };
    const double total = sum_of_values([](const auto& p, int) { return p.weight; });
    if (total <= 0) return 0;
    const double scale = static_cast<double>(a.scale) / total;
    return scale * sum_of_values([&](const auto& p, int c) {
             const double x = static_cast<double>(p.output[c]), t = static_cast<double>(p.target[c]);
             p.gradient[c] += static_cast<Real>(scale * p.weight * (detail::sigmoid(x) - t));
             return p.weight * (std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x))));
           });
  }
};
static_assert(Loss<binary_cross_entropy>);

}  // namespace aixcell
