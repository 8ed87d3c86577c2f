#pragma once
#include <algorithm>
#include <cmath>
#include <span>

#include <aixcell/core/parallel.hpp>
#include <aixcell/kernels/cpu/detail/pixel_sources.hpp>
#include <aixcell/kernels/upsample.hpp>

namespace aixcell {

namespace detail {

inline tensor<resize_tap> resize_taps(context<cpu>& ctx, index_t from, index_t to, interpolation mode) {
  tensor<resize_tap> taps(ctx, {to});
  for (index_t i = 0; i < to; ++i) taps[i] = resize_tap_of(i, from, to, mode);
  return taps;
}

/// An output row (column) that reads an input row (column), and its weight there.
struct resize_reader {
  index_t output;
  double weight;
};

/// The taps, transposed: who reads which input row (column).
class resize_readers {
 public:
  resize_readers(context<cpu>& ctx, index_t from, const tensor<resize_tap>& taps)
      : first_(ctx, {from + 1}), all_(ctx, {2 * taps.size()}) {
    first_.fill(0);
    for_each_reader(taps, [&](index_t input, resize_reader) { ++first_[input + 1]; });
    for (index_t i = 0; i < from; ++i) {
      most_ = std::max(most_, first_[i + 1]);
      first_[i + 1] += first_[i];
    }
    tensor<index_t> next(ctx, {from + 1});
    std::copy(first_.begin(), first_.end(), next.begin());
    for_each_reader(taps, [&](index_t input, resize_reader r) { all_[next[input]++] = r; });
  }

  std::span<const resize_reader> of(index_t input) const {
    return {all_.data() + first_[input], all_.data() + first_[input + 1]};
  }
  index_t most() const { return most_; }  ///< of any input

 private:
  template <class Function>
  static void for_each_reader(const tensor<resize_tap>& taps, Function&& f) {
    for (index_t i = 0; i < taps.size(); ++i) {
      const auto [low, high, weight] = taps[i];
      if (weight < 1) f(low, resize_reader{i, 1 - weight});
      if (weight > 0) f(high, resize_reader{i, weight});
    }
  }

  tensor<index_t> first_;
  tensor<resize_reader> all_;
  index_t most_ = 0;
};

}  // namespace detail

template <class Real>
void upsample(context<cpu>& ctx, view<const Real, cpu> x, interpolation mode, view<Real, cpu> y) {
  detail::require_resizable("upsample", x.shape(), y.shape());
  const index_t channels = x.extent(3), width = x.extent(2);
  const auto row_taps = detail::resize_taps(ctx, x.extent(1), y.extent(1), mode);
  const auto column_taps = detail::resize_taps(ctx, width, y.extent(2), mode);
  parallel_for(ctx, y.extent(0) * y.extent(1), [&](index_t row) {
    const detail::resize_tap& r = row_taps[row % y.extent(1)];
    const Real* image = x.slice(row / y.extent(1)).data();
    const Real *low = image + r.low * width * channels, *high = image + r.high * width * channels;
    Real* to = y.data() + row * y.extent(2) * channels;
    detail::pixel_sources<Real> corners(ctx, 4);
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
  const detail::resize_readers rows(ctx, height, detail::resize_taps(ctx, height, dy.extent(1), mode));
  const detail::resize_readers columns(ctx, width, detail::resize_taps(ctx, width, dy.extent(2), mode));
  parallel_for(ctx, dx.extent(0) * height, [&](index_t row) {
    const Real* image = dy.slice(row / height).data();
    Real* to = dx.data() + row * width * channels;
    detail::pixel_sources<Real> readers(ctx, rows.most() * columns.most());
    for (index_t w = 0; w < width; ++w) {
      readers.clear();
      for (const detail::resize_reader& r : rows.of(row % height))
        for (const detail::resize_reader& s : columns.of(w))
          readers.add_weighted(image + (r.output * dy.extent(2) + s.output) * channels, r.weight * s.weight);
      readers.weighted_sum(to + w * channels, channels);
    }
  });
}

}  // namespace aixcell
