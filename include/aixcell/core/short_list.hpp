#pragma once
#include <boost/container/small_vector.hpp>
#include <span>

namespace aixcell {

/// A vector whose first elements lie in itself: for lists of a few that a training step makes again and again, which
/// must not ask the heap.
template <class T>
struct short_list : boost::container::small_vector<T, 6> {
  using boost::container::small_vector<T, 6>::small_vector;
  operator std::span<const T>() const { return {this->data(), this->size()}; }
};

}  // namespace aixcell
