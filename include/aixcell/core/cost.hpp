#pragma once
#include <aixcell/core/shape.hpp>

namespace aixcell {

/// What an operation spends: floating-point operations (a fused multiply-add is two) and bytes moved to and from
/// memory when every operand travels once.
struct cost {
  double flops = 0;
  double bytes = 0;

  constexpr cost& operator+=(const cost& other) {
    flops += other.flops;
    bytes += other.bytes;
    return *this;
  }
  friend constexpr cost operator+(cost a, const cost& b) { return a += b; }
  friend constexpr bool operator==(const cost&, const cost&) = default;
};

}  // namespace aixcell
