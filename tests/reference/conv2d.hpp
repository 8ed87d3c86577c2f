#pragma once
#include <vector>

#include <aixcell/kernels/conv2d.hpp>

namespace aixcell::reference {

/// One product of a convolution: which elements of x, filter and y meet.
template <class Function>
void for_each_product(const shape& x, const shape& filter, conv2d_geometry g, Function&& f) {
  const shape y = conv2d_output_shape(x, filter, g);
  for (index_t n = 0; n < y[0]; ++n)
    for (index_t i = 0; i < y[1]; ++i)
      for (index_t j = 0; j < y[2]; ++j)
        for (index_t k = 0; k < y[3]; ++k)
          for (index_t r = 0; r < filter[1]; ++r)
            for (index_t s = 0; s < filter[2]; ++s) {
              const index_t h = i * g.stride + r * g.dilation - g.padding,
                            w = j * g.stride + s * g.dilation - g.padding;
              if (h < 0 || h >= x[1] || w < 0 || w >= x[2]) continue;
              const index_t first = k / (y[3] / g.groups) * filter[3];
              for (index_t c = 0; c < filter[3]; ++c)
                f(((n * x[1] + h) * x[2] + w) * x[3] + first + c, ((k * filter[1] + r) * filter[2] + s) * filter[3] + c,
                  ((n * y[1] + i) * y[2] + j) * y[3] + k);
            }
}

}  // namespace aixcell::reference
