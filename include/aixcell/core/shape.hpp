#pragma once
#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include <aixcell/core/error.hpp>

namespace aixcell {

/// Positions, extents and counts. Signed, so that differences and reversed loops are safe.
using index_t = std::ptrdiff_t;

/// Extents of a dense row-major array of up to four dimensions, the last one contiguous.
/// Activations are [N,H,W,C], images [H,W,C], label maps [H,W], filters [K,R,S,C], vectors [C].
class shape {
 public:
  static constexpr int max_rank = 4;

  constexpr shape() = default;
  constexpr shape(std::initializer_list<index_t> extents) : rank_(static_cast<int>(extents.size())) {
    assert(extents.size() <= max_rank);
    int i = 0;
    for (const index_t e : extents) extents_[i++] = e;
  }

  constexpr int rank() const noexcept { return rank_; }
  constexpr index_t operator[](int dimension) const noexcept {
    assert(dimension >= 0 && dimension < rank_);
    return extents_[dimension];
  }
  constexpr index_t& operator[](int dimension) noexcept {
    assert(dimension >= 0 && dimension < rank_);
    return extents_[dimension];
  }

  /// Number of elements: the product of the extents, 0 for a default-constructed shape.
  constexpr index_t count() const noexcept {
    index_t product = rank_ == 0 ? 0 : 1;
    for (int i = 0; i < rank_; ++i) product *= extents_[i];
    return product;
  }

  [[gnu::noinline]] friend constexpr bool operator==(const shape&, const shape&) = default;

 private:
  std::array<index_t, max_rank> extents_{};
  int rank_ = 0;
};

/// `[4,256,256,1]`
inline std::string to_string(const shape& s) {
  std::string text = "[";
  for (int i = 0; i < s.rank(); ++i) text += (i ? "," : "") + std::to_string(s[i]);
  return text + "]";
}

namespace detail {
[[noreturn]] inline void throw_unequal_shapes(std::string_view where, const shape& expected, const shape& found) {
  throw shape_error(std::string(where) + ": expected shape " + to_string(expected) + ", found " + to_string(found));
}
[[noreturn]] inline void throw_wrong_rank(std::string_view where, std::string_view meaning, const shape& found) {
  throw shape_error(std::string(where) + ": expected " + std::string(meaning) + ", found shape " + to_string(found));
}
}  // namespace detail

/// Throws shape_error unless all arguments (anything with `.shape()`) have the shape of the first.
template <class First, class... Rest>
void require_equal_shapes(std::string_view where, const First& first, const Rest&... rest) {
  ((rest.shape() == first.shape() ? void() : detail::throw_unequal_shapes(where, first.shape(), rest.shape())), ...);
}

/// Throws shape_error unless `found` is `expected`.
[[gnu::noinline]] inline void require_shape(std::string_view where, const shape& expected, const shape& found) {
  if (found != expected) detail::throw_unequal_shapes(where, expected, found);
}

/// Throws shape_error unless `found` has `rank` dimensions; `meaning` says which, e.g. `an image [H,W,C]`.
[[gnu::noinline]] inline void require_rank(std::string_view where, int rank, std::string_view meaning, const shape& found) {
  if (found.rank() != rank) detail::throw_wrong_rank(where, meaning, found);
}

}  // namespace aixcell
