#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/detail/pixel_sources.hpp>
#include <aixcell/kernels/upsample.hpp>

namespace aixcell {

namespace detail {

inline std::vector<resize_tap> resize_taps(index_t from, index_t to, interpolation mode) {
  std::vector<resize_tap> taps(static_cast<std::size_t>(to));
  for (index_t i = 0; i < to; ++i) taps[static_cast<std::size_t>(i)] = resize_tap_of(i, from, to, mode);
  return taps;
}

/// The outputs that read input row (column) h, with their weights: the taps, transposed.
struct resize_reader {
  index_t output;
  double weight;
};

inline std::vector<std::vector<resize_reader>> resize_readers(index_t from, const std::vector<resize_tap>& taps) {
  std::vector<std::vector<resize_reader>> readers(static_cast<std::size_t>(from));
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const auto [low, high, weight] = taps[i];
    if (weight < 1) readers[static_cast<std::size_t>(low)].push_back({static_cast<index_t>(i), 1 - weight});
    if (weight > 0) readers[static_cast<std::size_t>(high)].push_back({static_cast<index_t>(i), weight});
  }
  return readers;
}

}  // namespace detail

template <class Real>
void upsample(context<cpu>& ctx, view<const Real, cpu> x, interpolation mode, view<Real, cpu> y) {
  detail::require_resizable("upsample", x.shape(), y.shape());
  const index_t channels = x.extent(3), width = x.extent(2);
  const auto row_taps = detail::resize_taps(x.extent(1), y.extent(1), mode);
  const auto column_taps = detail::resize_taps(width, y.extent(2), mode);
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const detail::resize_tap& r = row_taps[static_cast<std::size_t>(row % y.extent(1))];
    const Real* image = x.slice(row / y.extent(1)).data();
    const Real *low = image + r.low * width * channels, *high = image + r.high * width * channels;
    Real* to = y.data() + row * y.extent(2) * channels;
    detail::pixel_sources<Real> corners(4);
    for (const detail::resize_tap& s : column_taps) {
      if (r.weight == 0 && s.weight == 0) {
        std::copy_n(low + s.low * channels, channels, to);
      } else {
        corners.clear();
        corners.add_weighted(low + s.low * channels, (1 - r.weight) * (1 - s.weight));
        corners.add_weighted(low + s.high * channels, (1 - r.weight) * s.weight);
        corners.add_weighted(high + s.low * channels, r.weight * (1 - s.weight));
        corners.add_weighted(high + s.high * channels, r.weight * s.weight);
        corners.weighted_sum(to, channels);
      }
      to += channels;
    }
  });
}

template <class Real>
void upsample_backward(context<cpu>& ctx, view<const Real, cpu> dy, interpolation mode, view<Real, cpu> dx) {
  detail::require_resizable("upsample_backward", dx.shape(), dy.shape());
  const index_t channels = dx.extent(3), width = dx.extent(2), height = dx.extent(1);
  const auto row_readers = detail::resize_readers(height, detail::resize_taps(height, dy.extent(1), mode));
  const auto column_readers = detail::resize_readers(width, detail::resize_taps(width, dy.extent(2), mode));
  parallel_for(ctx, dx.extent(0) * height, [&](index_t row) {
    const Real* image = dy.slice(row / height).data();
    Real* to = dx.data() + row * width * channels;
    detail::pixel_sources<Real> readers(16);
    for (index_t w = 0; w < width; ++w) {
      readers.clear();
      for (const detail::resize_reader& r : row_readers[static_cast<std::size_t>(row % height)])
        for (const detail::resize_reader& s : column_readers[static_cast<std::size_t>(w)])
          readers.add_weighted(image + (r.output * dy.extent(2) + s.output) * channels, r.weight * s.weight);
      readers.weighted_sum(to + w * channels, channels);
    }
  });
}

}  // namespace aixcell
