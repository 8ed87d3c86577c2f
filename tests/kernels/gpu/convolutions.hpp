#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>

#include "reference/conv2d.hpp"
#include "summed_outputs.hpp"

namespace aixcell {

struct conv_case {
  shape x, filter;
  conv2d_geometry g;
};

/// Sums of products in float64, and of their magnitudes, which rounding errors are measured by.
struct exact_sums {
  tensor<double> value, size;
  explicit exact_sums(const shape& s) : value(s), size(s) {}
  void add(index_t at, double a, double b) {
    value[at] += a * b;
    size[at] += std::abs(a * b);
  }
  /// Within `tolerance` of the magnitudes, and half of the last digit of what it is stored as.
  template <class T>
  bool equal(const tensor<T>& found, double tolerance) const {
    require_shape("exact_sums", value.shape(), found.shape());
    const double half_digit = std::is_same_v<T, bfloat16> ? 1.0 / 256 : 0;
    for (index_t i = 0; i < found.size(); ++i)
      if (!(std::abs(static_cast<double>(found[i]) - value[i]) <=
            tolerance * (1e-3 + size[i]) + half_digit * std::abs(value[i])))
        return false;
    return true;
  }
};

inline tensor<bfloat16> random_bf16(const shape& s, std::uint64_t seed) {
  const auto wide = random_tensor<float>(s, seed);
  tensor<bfloat16> t(s);
  std::transform(wide.begin(), wide.end(), t.begin(), [](float v) { return bfloat16(v); });
  return t;
}

/// As tensor cores multiply float32: 10 bits of mantissa, halves away from zero.
inline float to_tf32(float v) { return std::bit_cast<float>((std::bit_cast<std::uint32_t>(v) + 0x1000u) & ~0x1fffu); }

/// y, dx and dfilter of a case, of what `multiplied` makes of each operand.
struct exact_convolution {
  exact_sums y, dx, dfilter;

  exact_convolution(const conv_case& c, const auto& x, const auto& filter, const auto& dy, auto&& multiplied)
      : y(dy.shape()), dx(c.x), dfilter(c.filter) {
    const auto wide = [&](auto v) { return static_cast<double>(multiplied(static_cast<float>(v))); };
    reference::for_each_product(c.x, c.filter, c.g, [&](index_t i, index_t f, index_t o) {
      y.add(o, wide(x[i]), wide(filter[f]));
      dx.add(i, wide(dy[o]), wide(filter[f]));
      dfilter.add(f, wide(x[i]), wide(dy[o]));
    });
  }
};

}  // namespace aixcell
