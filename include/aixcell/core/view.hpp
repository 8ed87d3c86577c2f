#pragma once
#include <cassert>
#include <type_traits>

#include <aixcell/core/shape.hpp>

namespace aixcell {

/// The processor and its memory.
struct cpu {};

/// No processor at all: kernels called with a `context<dry>` check shapes and add up their cost, tensors count bytes
/// and hold nothing. Running a network dry gives its cost and its peak memory, from the same code that runs it.
struct dry {};

/// Elements somebody else owns: a pointer into the memory of `Device` and a shape, contiguous, row-major.
/// A view of mutable elements converts to one of const elements; devices never mix.
template <class T, class Device>
class view {
 public:
  using value_type = std::remove_const_t<T>;

  constexpr view() = default;
  constexpr view(T* data, const aixcell::shape& extents) : data_(data), shape_(extents) {}
  template <class U>
  requires(std::is_same_v<const U, T> && !std::is_same_v<U, T>) constexpr view(const view<U, Device>& other)
      : data_(other.data()), shape_(other.shape()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr const aixcell::shape& shape() const noexcept { return shape_; }
  constexpr index_t extent(int dimension) const noexcept { return shape_[dimension]; }
  constexpr index_t size() const noexcept { return shape_.count(); }
  constexpr bool empty() const noexcept { return size() == 0; }

  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size(); }

  /// Element by flat position.
  constexpr T& operator[](index_t i) const noexcept {
    assert(i >= 0 && i < size());
    return data_[i];
  }

  /// Element by its coordinates, as many as the view has dimensions.
  template <class... Index>
  requires(sizeof...(Index) >= 1 && sizeof...(Index) <= aixcell::shape::max_rank) constexpr T& operator()(
      Index... coordinates) const noexcept {
    assert(static_cast<int>(sizeof...(Index)) == shape_.rank());
    index_t offset = 0;
    int dimension = 0;
    ((offset = offset * shape_[dimension++] + static_cast<index_t>(coordinates)), ...);
    assert(offset >= 0 && offset < size());
    return data_[offset];
  }

  /// The sub-array at position `i` of the first dimension: an image of a batch, a row of an image.
  constexpr view slice(index_t i) const noexcept {
    assert(shape_.rank() > 1 && i >= 0 && i < shape_[0]);
    aixcell::shape rest;
    if (shape_.rank() == 2) rest = {shape_[1]};
    if (shape_.rank() == 3) rest = {shape_[1], shape_[2]};
    if (shape_.rank() == 4) rest = {shape_[1], shape_[2], shape_[3]};
    return {data_ ? data_ + i * rest.count() : nullptr, rest};
  }

  /// The same elements under another shape of equal count.
  constexpr view reshaped(const aixcell::shape& extents) const noexcept {
    assert(extents.count() == size());
    return {data_, extents};
  }

 private:
  T* data_ = nullptr;
  aixcell::shape shape_;
};

}  // namespace aixcell
