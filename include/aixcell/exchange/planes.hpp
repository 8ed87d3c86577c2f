#pragma once
#include <aixcell/core/tensor.hpp>

namespace aixcell {

/// [N,H,W,C] as [N,C,H,W], the order of other frameworks.
inline tensor<float> to_planes(const tensor<float>& x) {
  tensor<float> y({x.extent(0), x.extent(3), x.extent(1), x.extent(2)});
  for (index_t n = 0; n < x.extent(0); ++n)
    for (index_t h = 0; h < x.extent(1); ++h)
      for (index_t w = 0; w < x.extent(2); ++w)
        for (index_t c = 0; c < x.extent(3); ++c) y(n, c, h, w) = x(n, h, w, c);
  return y;
}

/// [N,C,H,W] as [N,H,W,C].
inline tensor<float> from_planes(const tensor<float>& x) {
  tensor<float> y({x.extent(0), x.extent(2), x.extent(3), x.extent(1)});
  for (index_t n = 0; n < x.extent(0); ++n)
    for (index_t h = 0; h < x.extent(2); ++h)
      for (index_t w = 0; w < x.extent(3); ++w)
        for (index_t c = 0; c < x.extent(1); ++c) y(n, h, w, c) = x(n, c, h, w);
  return y;
}

}  // namespace aixcell
