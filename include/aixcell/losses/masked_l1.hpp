#pragma once
#include <cmath>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// Weighted mean over pixels, and mean over channels, of |output - target|; the derivative at 0 is 0.
///   target   one channel for each output channel, any range; the weight says which pixels count
struct masked_l1 {
  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    const int channels = a.channels.count;
    detail::require_loss_shapes("masked_l1", a, channels);
    const index_t pixels = detail::pixel_count(a);
    const double total = detail::sum_over_pixels(ctx, pixels, [&](index_t begin, index_t end) {
      double sum = 0;
      for (index_t i = begin; i < end; ++i) sum += detail::pixel_of(a, i).weight;
      return sum;
    });
    if (total <= 0) return 0;
    const double scale = static_cast<double>(a.scale) / (total * channels);
    return scale * detail::sum_over_pixels(ctx, pixels, [&](index_t begin, index_t end) {
             double sum = 0;
             for (index_t i = begin; i < end; ++i) {
               const detail::loss_pixel<Real> p = detail::pixel_of(a, i);
               if (p.weight <= 0) continue;  // the target may be anything there
               for (int c = 0; c < channels; ++c) {
                 const double d = static_cast<double>(p.output[c]) - static_cast<double>(p.target[c]);
                 sum += p.weight * std::abs(d);
                 p.gradient[c] += static_cast<Real>(scale * p.weight * (d > 0 ? 1 : d < 0 ? -1 : 0));
               }
             }
             return sum;
           });
  }
};
static_assert(Loss<masked_l1>);

}  // namespace aixcell
