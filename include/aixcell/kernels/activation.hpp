#pragma once
#include <cmath>
#include <numbers>
#include <type_traits>
#include <utility>

namespace aixcell {

/// The nonlinearity after a layer. leaky_relu has slope 0.01 below zero (Maas et al. 2013); relu6 is cut at 6 (Sandler et
/// al. 2018); silu is z / (1 + exp(-z)) (Elfwing et al. 2018); gelu is z times the share of the normal distribution below
/// z (Hendrycks & Gimpel 2016).
enum class activation { none, relu, leaky_relu, relu6, silu, gelu, sigmoid };

inline constexpr double leaky_relu_slope = 0.01;

// constexpr so that kernels for GPUs may call them, not because a constant is wanted.
namespace detail {

/// Share of the standard normal distribution below z.
template <class Real>
constexpr Real normal_below(Real z) {
  return static_cast<Real>(0.5) * std::erfc(-z / static_cast<Real>(std::numbers::sqrt2));
}

template <class Real>
constexpr Real logistic(Real z) {
  return Real(1) / (Real(1) + std::exp(-z));
}

}  // namespace detail

/// act(z). NaN stays NaN.
template <class Real>
constexpr Real activate(activation act, Real z) {
  switch (act) {
    case activation::relu:
      return z < 0 ? Real(0) : z;
    case activation::leaky_relu:
      return z < 0 ? static_cast<Real>(leaky_relu_slope) * z : z;
    case activation::relu6:
      return z < 0 ? Real(0) : z > 6 ? Real(6) : z;
    case activation::silu:
      return z * detail::logistic(z);
    case activation::gelu:
      return z * detail::normal_below(z);
    case activation::sigmoid:
      return detail::logistic(z);
    case activation::none:
      break;
  }
  return z;
}

/// d act / dz at z; at a kink, the slope of the flatter side.
template <class Real>
constexpr Real activate_derivative(activation act, Real z) {
  switch (act) {
    case activation::relu:
      return z > 0 ? Real(1) : Real(0);
    case activation::leaky_relu:
      return z > 0 ? Real(1) : static_cast<Real>(leaky_relu_slope);
    case activation::relu6:
      return z > 0 && z < 6 ? Real(1) : Real(0);
    case activation::silu: {
      const Real s = detail::logistic(z);
      return s * (Real(1) + z * detail::logistic(-z));
    }
    case activation::gelu: {
      const auto density =
          static_cast<Real>(std::numbers::inv_sqrtpi / std::numbers::sqrt2) * std::exp(z * z / Real(-2));
      return detail::normal_below(z) + z * density;
    }
    case activation::sigmoid:
      return detail::logistic(z) * detail::logistic(-z);
    case activation::none:
      break;
  }
  return Real(1);
}

namespace detail {

/// An activation known only when the program runs; called like a std::integral_constant.
struct any_activation {
  activation value;
  constexpr activation operator()() const { return value; }
};

/// Calls f with the activation as a compile-time constant, so that the choice is made once and not for every value. Those
/// that are rare, or so costly that the choice does not matter, are not worth the compile time; without `Common`, none and
/// relu belong to these, because the caller has other code for them.
template <bool Common = true, class Function>
void with_constant_activation(activation act, Function&& f) {
  if constexpr (Common) {
    if (act == activation::none) return f(std::integral_constant<activation, activation::none>{});
    if (act == activation::relu) return f(std::integral_constant<activation, activation::relu>{});
  }
  if (act == activation::relu6) return f(std::integral_constant<activation, activation::relu6>{});
  return f(any_activation{act});
}

}  // namespace detail
}  // namespace aixcell
