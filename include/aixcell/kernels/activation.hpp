#pragma once
#include <cmath>
#include <type_traits>
#include <utility>

namespace aixcell {

/// The nonlinearity after a layer. leaky_relu has slope 0.01 below zero (Maas et al. 2013); silu is z / (1 + exp(-z))
/// (Elfwing et al. 2018).
enum class activation { none, relu, leaky_relu, silu };

inline constexpr double leaky_relu_slope = 0.01;

/// act(z). NaN stays NaN.
template <class Real>
constexpr Real activate(activation act, Real z) {
  switch (act) {
    case activation::relu: return z < 0 ? Real(0) : z;
    case activation::leaky_relu: return z < 0 ? static_cast<Real>(leaky_relu_slope) * z : z;
    case activation::silu: return z / (Real(1) + std::exp(-z));
    case activation::none: break;
  }
  return z;
}

/// d act / dz at z; at the kink of relu and leaky_relu, the slope from below.
template <class Real>
constexpr Real activate_derivative(activation act, Real z) {
  switch (act) {
    case activation::relu: return z > 0 ? Real(1) : Real(0);
    case activation::leaky_relu: return z > 0 ? Real(1) : static_cast<Real>(leaky_relu_slope);
    case activation::silu: {
      const Real s = Real(1) / (Real(1) + std::exp(-z));
      return s * (Real(1) + z * (Real(1) - s));
    }
    case activation::none: break;
  }
  return Real(1);
}

namespace detail {

/// Calls f with the activation as a compile-time constant: the choice is made once, not for every value.
template <class Function>
void with_constant_activation(activation act, Function&& f) {
  switch (act) {
    case activation::none: return f(std::integral_constant<activation, activation::none>{});
    case activation::relu: return f(std::integral_constant<activation, activation::relu>{});
    case activation::leaky_relu: return f(std::integral_constant<activation, activation::leaky_relu>{});
    case activation::silu: return f(std::integral_constant<activation, activation::silu>{});
  }
}

}  // namespace detail
}  // namespace aixcell
