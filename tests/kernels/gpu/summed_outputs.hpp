#pragma once
#include "on_device.hpp"

namespace aixcell {

/// Whether sums [N,2,K] are those of y and of its squares, within float32 sums of a few values; and whether the variances that
/// follow from them are, which a large mean would take digits from.
template <class Real>
bool are_sums_of(const tensor<double>& sums, const tensor<Real>& y, double tolerance = 4e-6,
                 double of_variance = 1e-5) {
  const index_t images = y.extent(0), channels = y.extent(3), pixels = y.extent(1) * y.extent(2);
  require_shape("are_sums_of", {images, 2, channels}, sums.shape());
  for (index_t n = 0; n < images; ++n)
    for (index_t c = 0; c < channels; ++c) {
      double sum = 0, square = 0, size = 0, spread = 0;
      const auto value = [&](index_t p) {
        return static_cast<double>(static_cast<float>(y[(n * pixels + p) * channels + c]));
      };
      for (index_t p = 0; p < pixels; ++p) {
        sum += value(p);
        square += value(p) * value(p);
        size += std::abs(value(p));
      }
      const auto count = static_cast<double>(pixels), mean = sum / count;
      for (index_t p = 0; p < pixels; ++p) spread += (value(p) - mean) * (value(p) - mean);
      const double found = sums(n, 1, c) - sums(n, 0, c) * sums(n, 0, c) / count;
      if (!(std::abs(sums(n, 0, c) - sum) <= tolerance * size)) return false;
      if (!(std::abs(sums(n, 1, c) - square) <= tolerance * square)) return false;
      if (!(std::abs(found - spread) <= of_variance * spread + 1e-13 * square)) return false;
    }
  return true;
}

}  // namespace aixcell
