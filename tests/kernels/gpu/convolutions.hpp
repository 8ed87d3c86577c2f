#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>

#include "reference/convolution_sums.hpp"
#include "summed_outputs.hpp"

namespace aixcell {

using reference::exact_convolution;
using reference::exact_sums;

struct conv_case {
  shape x, filter;
  conv2d_geometry g;
};

inline tensor<bfloat16> random_bf16(const shape& s, std::uint64_t seed) {
  const auto wide = random_tensor<float>(s, seed);
  tensor<bfloat16> t(s);
  std::transform(wide.begin(), wide.end(), t.begin(), [](float v) { return bfloat16(v); });
  return t;
}

/// As tensor cores multiply float32: 10 bits of mantissa, halves away from zero.
inline float to_tf32(float v) { return std::bit_cast<float>((std::bit_cast<std::uint32_t>(v) + 0x1000u) & ~0x1fffu); }

}  // namespace aixcell
