#pragma once
#include <tuple>
#include <utility>

#include <aixcell/losses/loss.hpp>

namespace aixcell {

/// A loss with its weight in a sum.
template <Loss L>
struct weighted {
  L loss;
  double weight = 1;
};

/// The weighted sum of losses of the same channels:
/// `sum_of{weighted<cross_entropy>{{}, 1.0}, weighted<dice>{{}, 0.5}}`.
template <Loss... L>
struct sum_of {
  std::tuple<weighted<L>...> terms;

  explicit sum_of(weighted<L>... parts) : terms(std::move(parts)...) {}

  template <class Real>
  double operator()(context<cpu>& ctx, const loss_arguments<Real>& a) const {
    double sum = 0;
    std::apply(
        [&](const auto&... term) {
          const auto add = [&](const auto& t) {
            loss_arguments<Real> scaled = a;
            scaled.scale = static_cast<Real>(static_cast<double>(a.scale) * t.weight);
            sum += t.loss(ctx, scaled);
          };
          (add(term), ...);
        },
        terms);
    return sum;
  }
};

}  // namespace aixcell
