#pragma once
#include <cmath>
#include <vector>

#include "device_under_test.hpp"
#include "layers/random_tensor.hpp"

namespace aixcell {

/// Whether found is expected within tolerance * (1 + |expected|), value by value; NaN equals nothing.
template <class A, class B>
bool agrees(const tensor<A>& found, const tensor<B>& expected, double tolerance) {
  require_shape("agrees", expected.shape(), found.shape());
  for (index_t i = 0; i < found.size(); ++i) {
    const double e = static_cast<double>(expected[i]);
    if (!(std::abs(static_cast<double>(found[i]) - e) <= tolerance * (1 + std::abs(e)))) return false;
  }
  return true;
}
template <class T>
bool same_values(const tensor<T>& a, const tensor<T>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

template <class T>
using device_tensor = tensor<T, device_under_test>;

}  // namespace aixcell
