#pragma once
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace aixcell {

/// The upper half of a float32: 8 bits of exponent, 7 of mantissa, relative spacing 2^-7. Half the memory traffic, and what
/// matrix units multiply. A format to store in, not to compute in: it reads as float, and becomes one by an explicit
/// conversion only, rounded to the nearest, ties to even; NaN stays NaN.
class bfloat16 {
 public:
  bfloat16() = default;
  template <class Number>
  requires std::floating_point<Number> || std::integral<Number>
  constexpr explicit bfloat16(Number value) : bits_(rounded(static_cast<float>(value))) {}

  constexpr operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits_) << 16); }

 private:
  static constexpr std::uint16_t rounded(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t nearest = bits + 0x7fff + ((bits >> 16) & 1);
    return static_cast<std::uint16_t>((value == value ? nearest : bits | 0x400000) >> 16);
  }

  std::uint16_t bits_;
};

static_assert(sizeof(bfloat16) == 2 && std::is_trivially_copyable_v<bfloat16>);

namespace detail {
template <class Real>
struct master_type {
  using type = Real;
};
template <>
struct master_type<bfloat16> {
  using type = float;
};
}  // namespace detail

/// What is computed, summed and trained in where values are stored as Real: float for bfloat16 (the master weights of
/// Micikevicius et al. 2018), else Real itself.
template <class Real>
using master_of = typename detail::master_type<Real>::type;

}  // namespace aixcell
