#pragma once
#include <cstddef>
#include <type_traits>

#include <aixcell/core/bfloat16.hpp>
#include <aixcell/core/context.hpp>

namespace aixcell {

/// What a dry network has between its layers: a number of as many bytes as the precision of the context says, 2 for bfloat16,
/// else 4. So one dry network counts for every precision, and only one is compiled. Nobody computes with it; parameters and
/// sums are float.
struct dry_value {
  float nothing = 0;
};

namespace detail {
template <>
struct master_type<dry_value> {
  using type = float;
};

/// Whether values of a dry run are stored as bfloat16.
template <class Real>
bool stores_bfloat16(const context<dry>& ctx) {
  if constexpr (std::is_same_v<Real, dry_value>)
    return ctx.settings().precision == precision::bfloat16;
  else
    return std::is_same_v<Real, bfloat16>;
}

/// Of one value in a dry run.
template <class Real>
std::size_t stored_bytes(const context<dry>& ctx) {
  if constexpr (std::is_same_v<Real, dry_value>)
    return stores_bfloat16<Real>(ctx) ? sizeof(bfloat16) : sizeof(float);
  else
    return sizeof(Real);
}
}  // namespace detail

}  // namespace aixcell
