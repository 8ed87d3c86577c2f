#pragma once
#include <cmath>

#include <aixcell/kernels/cpu/optimiser.hpp>
#include <aixcell/optim/parameter_slice.hpp>

namespace aixcell {

/// Euclidean norm of all gradients together, summed in float64 and in an order that depends on sizes only.
inline double gradient_norm(context<cpu>& ctx, std::span<const parameter_slice> parameters) {
  std::vector<double> sums(parameters.size());
  parallel_for(ctx, static_cast<index_t>(parameters.size()), [&](index_t i) {
    const parameter_slice& p = parameters[static_cast<std::size_t>(i)];
    sums[static_cast<std::size_t>(i)] = sum_of_squares(p.gradient, p.count);
  });
  double total = 0;
  for (const double s : sums) total += s;
  return std::sqrt(total);
}

/// Scales all gradients so that their norm is at most `most` (Pascanu et al. 2013). Returns the norm before; if that is
/// not finite, the gradients stay as they are: no factor mends them.
inline double clip_gradient_norm(context<cpu>& ctx, std::span<const parameter_slice> parameters, double most) {
  const double norm = gradient_norm(ctx, parameters);
  if (norm <= most || !std::isfinite(norm)) return norm;
  const auto factor = static_cast<float>(most / norm);
  detail::for_each_range(ctx, parameters, [&](std::size_t i, index_t begin, index_t end) {
    for (index_t k = begin; k < end; ++k) parameters[i].gradient[k] *= factor;
  });
  return norm;
}

}  // namespace aixcell
