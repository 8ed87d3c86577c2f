#pragma once
#include <array>
#include <cmath>

#include <aixcell/kernels/activation.hpp>

namespace aixcell::reference {

inline constexpr std::array every_activation{activation::none,   activation::relu, activation::leaky_relu,
                                             activation::relu6,  activation::silu, activation::gelu,
                                             activation::sigmoid};

/// Value and slope, from other formulas than the library's.
struct value_and_slope {
  double value, slope;
};
inline value_and_slope activated(activation act, double z) {
  const double s = 0.5 * (1 + std::tanh(z / 2)), below = 0.5 * (1 + std::erf(z / std::sqrt(2.0)));
  switch (act) {
    case activation::relu:
      return z > 0 ? value_and_slope{z, 1} : value_and_slope{0, 0};
    case activation::leaky_relu:
      return z > 0 ? value_and_slope{z, 1} : value_and_slope{0.01 * z, 0.01};
    case activation::relu6:
      return {std::fmin(std::fmax(z, 0), 6), z > 0 && z < 6 ? 1.0 : 0.0};
    case activation::silu:
      return {z * s, s + z * s * (1 - s)};
    case activation::gelu:
      return {z * below, below + z * std::exp(-0.5 * z * z) / std::sqrt(2 * std::acos(-1.0))};
    case activation::sigmoid:
      return {s, s * (1 - s)};
    case activation::none:
      break;
  }
  return {z, 1};
}

}  // namespace aixcell::reference
