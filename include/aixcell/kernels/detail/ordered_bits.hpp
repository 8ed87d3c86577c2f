#pragma once
#include <bit>
#include <cstdint>

namespace aixcell::detail {

/// A number that is ordered as the float is, NaN apart; -0 and 0 are equal.
constexpr std::uint32_t ordered_bits(float v) {
  const auto bits = std::bit_cast<std::uint32_t>(v + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
constexpr float value_of_bits(std::uint32_t ordered) {
  return std::bit_cast<float>(ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered);
}

}  // namespace aixcell::detail
