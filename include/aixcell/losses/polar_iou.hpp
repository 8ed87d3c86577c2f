#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// How badly polygons around a pixel overlap: weighted mean over pixels of log(sum max(d, t) / sum min(d, t)) over the
/// distances d and t along rays (polar IoU loss, Xie et al. 2020, eq. 10). The output is log d, so that a mistake counts
/// by its share of the distance and all rays pull as one; 0 if both agree.
///   target   one distance for each output channel, > 0 where the weight is
/// An output above 12 counts as 12 and is still pulled down.
struct polar_iou {
  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    const int rays = a.channels.count;
    detail::require_loss_shapes("polar_iou", a, rays);
    const index_t pixels = detail::pixel_count(a);
    const double total = detail::sum_over_pixels(ctx, pixels, [&](index_t begin, index_t end) {
      double sum = 0;
      for (index_t i = begin; i < end; ++i) sum += detail::pixel_of(a, i).weight;
      return sum;
    });
    if (total <= 0) return 0;
    const double scale = static_cast<double>(a.scale) / total;
    return scale * detail::sum_over_pixels(ctx, pixels, [&](index_t begin, index_t end) {
             tensor<double> distance(ctx, {rays});
             double sum = 0;
             for (index_t i = begin; i < end; ++i) {
               const detail::loss_pixel<Real> p = detail::pixel_of(a, i);
               if (p.weight <= 0) continue;
               double united = 0, shared = 0;
               for (int k = 0; k < rays; ++k) {
                 const double t = static_cast<double>(p.target[k]);
                 double& d = distance[k];
                 d = std::exp(std::min(static_cast<double>(p.output[k]), 12.0));
                 united += std::max(d, t);
                 shared += std::min(d, t);
               }
               sum += p.weight * std::log(united / shared);
               for (int k = 0; k < rays; ++k) {
                 const double t = static_cast<double>(p.target[k]), d = distance[k];
                 const double slope = d > t ? 1 / united : d < t ? -1 / shared : 0.0;
                 p.gradient[k] += static_cast<Real>(scale * p.weight * slope * d);
               }
             }
             return sum;
           });
  }
};
static_assert(Loss<polar_iou>);

}  // namespace aixcell
