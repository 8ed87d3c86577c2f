#pragma once
#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include <aixcell/io/safetensors.hpp>

// Numbers of a stored tensor whose element type only the file knows.

namespace aixcell {

/// The value of IEEE 754 binary16 bits: one sign, five exponent, ten fraction bits. Exact; NaN stays NaN.
inline float float_from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float magnitude;
  if (exponent == 31)
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  else
    magnitude = std::ldexp(static_cast<float>(exponent == 0 ? fraction : 1024 + fraction), std::max(exponent, 1) - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

/// The value of bfloat16 bits: the upper half of a float32. Exact.
inline float float_from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// Whether number_at reads this element type: F64, F32, F16, BF16.
constexpr bool is_floating(const element_type& type) { return type.name.find('F') != std::string_view::npos; }

/// Element `i` of a tensor of floating-point numbers, exact. `i` lies within the tensor's bytes.
inline double number_at(const stored_tensor& stored, std::size_t i) {
  const auto read = [&]<class T>(T value) {
    std::memcpy(&value, stored.bytes.data() + i * sizeof value, sizeof value);
    return value;
  };
  if (stored.type.name == "F32") return read(0.0f);
  if (stored.type.name == "F64") return read(0.0);
  if (stored.type.name == "F16") return float_from_half(read(std::uint16_t{}));
  assert(stored.type.name == "BF16");
  return float_from_bfloat16(read(std::uint16_t{}));
}

}  // namespace aixcell
