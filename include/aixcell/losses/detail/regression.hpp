#pragma once
#include <aixcell/losses/loss.hpp>

namespace aixcell::detail {

/// What a difference costs, and the derivative of that.
struct penalty {
  double value, slope;
};

/// Weighted mean over pixels, and mean over channels, of price(output - target), which returns a `penalty`. Pixels of
/// weight 0 or less are not looked at: their target may be anything.
template <class Real, class Price>
double regression_loss(const char* name, context<cpu>& ctx, const loss_arguments<Real>& a, Price&& price) {
  const int channels = a.channels.count;
  require_loss_shapes(name, a, channels);
  const index_t pixels = pixel_count(a);
  const double total = sum_over_pixels(ctx, pixels, [&](index_t begin, index_t end) {
    double sum = 0;
    for (index_t i = begin; i < end; ++i) sum += pixel_of(a, i).weight;
    return sum;
  });
  if (total <= 0) return 0;
  const double scale = static_cast<double>(a.scale) / (total * channels);
  return scale * sum_over_pixels(ctx, pixels, [&](index_t begin, index_t end) {
           double sum = 0;
           for (index_t i = begin; i < end; ++i) {
             const loss_pixel<Real> p = pixel_of(a, i);
             if (p.weight <= 0) continue;
             for (int c = 0; c < channels; ++c) {
               const penalty paid = price(static_cast<double>(p.output[c]) - static_cast<double>(p.target[c]));
               sum += p.weight * paid.value;
               p.gradient[c] += static_cast<Real>(scale * p.weight * paid.slope);
             }
           }
           return sum;
         });
}

}  // namespace aixcell::detail
