// Compiled once, optimised and without sanitizers, into what all tests link: under sanitizers these loops took minutes. So
// nothing of the library or of std is called here, whose inline functions a linker might then prefer to the sanitized ones.
#include "reference/convolution_sums.hpp"

namespace aixcell::reference::detail {

void add_products(const plain_convolution& c, const double* x, const double* filter, const double* dy, plain_sums y,
                  plain_sums dx, plain_sums dfilter) {
  const auto magnitude = [](double v) { return v < 0 ? -v : v; };
  const long outputs_of_group = c.outputs / c.groups;
  for (long n = 0; n < c.images; ++n)
    for (long i = 0; i < c.y_height; ++i)
      for (long j = 0; j < c.y_width; ++j)
        for (long r = 0; r < c.filter_height; ++r)
          for (long s = 0; s < c.filter_width; ++s) {
            const long h = i * c.stride + r * c.dilation - c.padding, w = j * c.stride + s * c.dilation - c.padding;
            if (h < 0 || h >= c.height || w < 0 || w >= c.width) continue;
            for (long k = 0; k < c.outputs; ++k) {
              const long o = ((n * c.y_height + i) * c.y_width + j) * c.outputs + k;
              const long first = ((n * c.height + h) * c.width + w) * c.channels + k / outputs_of_group * c.filter_channels;
              const long tap = ((k * c.filter_height + r) * c.filter_width + s) * c.filter_channels;
              const double at_o = dy[o];
              double sum = 0, size = 0;
              for (long channel = 0; channel < c.filter_channels; ++channel) {
                const double at_x = x[first + channel], at_f = filter[tap + channel];
                sum += at_x * at_f;
                size += magnitude(at_x * at_f);
                dx.value[first + channel] += at_o * at_f;
                dx.size[first + channel] += magnitude(at_o * at_f);
                dfilter.value[tap + channel] += at_x * at_o;
                dfilter.size[tap + channel] += magnitude(at_x * at_o);
              }
              y.value[o] += sum;
              y.size[o] += size;
            }
          }
}

}  // namespace aixcell::reference::detail
