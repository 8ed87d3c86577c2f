#pragma once
#include <tuple>
#include <utility>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// A loss as part of a sum, as data: of which channels, against which of the target, times what. A postprocess says once what
/// makes an output bad, as a tuple of these; the processor adds them up here, a GPU in losses/gpu/add_losses.hpp.
template <Loss L>
struct loss_term {
  L loss;
  channel_range channels = {};  ///< of the output
  int target_channel = 0;       ///< first of the target
  int weight_channel = -1;      ///< of the target; -1: every pixel weighs 1
  double scale = 1;
};
template <Loss L, class... Rest>
loss_term(L, Rest...) -> loss_term<L>;

/// The sum of the terms in their order; adds to the gradient, which is a map as the output [N,H,W,K].
template <class Real, Loss... L>
double add_losses(context<cpu>& ctx, const std::tuple<loss_term<L>...>& terms, view<const Real, cpu> output,
                  view<const float, cpu> target, view<Real, cpu> gradient) {
  double sum = 0;
  const auto add = [&](const auto& term) {
    sum += term.loss(ctx, loss_arguments<Real>{.output = output,
                                               .channels = term.channels,
                                               .target = target,
                                               .target_channel = term.target_channel,
                                               .weight_channel = term.weight_channel,
                                               .gradient = gradient,
                                               .scale = static_cast<Real>(term.scale)});
  };
  std::apply([&](const auto&... term) { (add(term), ...); }, terms);
  return sum;
}

}  // namespace aixcell
