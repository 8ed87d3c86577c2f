#pragma once
#include <aixcell/kernels/gpu/detail/batch_extents.hpp>
#include <aixcell/kernels/upsample.hpp>

namespace aixcell {

namespace detail {

/// A tap in the integers of a kernel.
struct device_tap {
  int low, high;
  float weight;
};
/// Outputs first..end-1 read an input row (column).
struct device_readers {
  int first, end;
};

/// Where rows and columns come from, once for the whole batch: float64 divisions are dear on most GPUs. Taps of the rows,
/// then of the columns.
struct resize_taps_kernel {
  static constexpr std::string_view name = "upsample: taps";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, batch_extents from, batch_extents to, interpolation mode,
                            device_tap* taps) const {
    const int i = global_rank(t);
    if (i >= to.height + to.width) return;
    const bool row = i < to.height;
    const resize_tap tap =
        row ? resize_tap_of(i, from.height, to.height, mode) : resize_tap_of(i - to.height, from.width, to.width, mode);
    taps[i] = {static_cast<int>(tap.low), static_cast<int>(tap.high), static_cast<float>(tap.weight)};
  }
};

/// Taps rise, so the outputs that read an input are neighbours: found by bisection.
struct resize_readers_kernel {
  static constexpr std::string_view name = "upsample: readers";
  static constexpr int threads = 64;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, batch_extents from, batch_extents to, const device_tap* taps,
                            device_readers* readers) const {
    const int i = global_rank(t);
    if (i >= from.height + from.width) return;
    const bool row = i < from.height;
    const int input = row ? i : i - from.height, outputs = row ? to.height : to.width;
    const device_tap* const of = row ? taps : taps + to.height;
    const auto first_that = [&](auto&& holds) {
      int low = 0, high = outputs;
      while (low < high) {
        const int middle = (low + high) / 2;
        if (holds(of[middle]))
          high = middle;
        else
          low = middle + 1;
      }
      return low;
    };
    readers[i] = {first_that([&](const device_tap& tap) { return tap.high >= input; }),
                  first_that([&](const device_tap& tap) { return tap.low > input; })};
  }
};

/// One thread an output.
template <class Stored>
struct upsample_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "upsample";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, batch_extents from, batch_extents to, const device_tap* taps,
                            const Stored* x, Stored* y) const {
    const int o = global_rank(t);
    if (o >= to.count()) return;
    const auto [n, i, j, c] = to.place_of(o);
    const device_tap r = taps[i], s = taps[to.height + j];
    const auto at = [&, image = n, channel = c](int h, int w) {
      return static_cast<Real>(x[from.at(image, h, w, channel)]);
    };
    const Real a = at(r.low, s.low);
    if (r.weight == 0 && s.weight == 0) {  // what lies there unread may be infinite
      y[o] = static_cast<Stored>(a);
      return;
    }
    const Real b = at(r.low, s.high);
    const Real d = at(r.high, s.low), e = at(r.high, s.high);
    const auto down = static_cast<Real>(r.weight), right = static_cast<Real>(s.weight);
    const Real above = a + right * (b - a), below = d + right * (e - d);
    y[o] = static_cast<Stored>(above + down * (below - above));
  }
};

/// One thread an input gathers from the outputs that read it: no atomics, and the order of the sum is fixed. Each dy is read
/// up to four times, from cache.
template <class Stored>
struct upsample_backward_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "upsample_backward";
  static constexpr int threads = 256;
  using shared = nothing;
  static constexpr float share(const device_tap& tap, int input) {
    return (tap.low == input ? 1 - tap.weight : 0.0f) + (tap.high == input ? tap.weight : 0.0f);
  }
  constexpr void operator()(auto t, shared&, batch_extents from, batch_extents to, const device_tap* taps,
                            const device_readers* readers, const Stored* dy, Stored* dx) const {
    const int o = global_rank(t);
    if (o >= from.count()) return;
    const auto [n, h, w, c] = from.place_of(o);
    const device_readers rows = readers[h], columns = readers[from.height + w];
    Real sum = 0;
    for (int i = rows.first; i < rows.end; ++i) {
      const float down = share(taps[i], h);
      for (int j = columns.first; j < columns.end; ++j) {
        const float weight = down * share(taps[to.height + j], w);
        if (weight != 0) sum += static_cast<Real>(weight) * static_cast<Real>(dy[to.at(n, i, j, c)]);
      }
    }
    dx[o] = static_cast<Stored>(sum);
  }
};

template <GpuDevice Device>
tensor<device_tap, Device> resize_taps_on(context<Device>& ctx, batch_extents from, batch_extents to,
                                          interpolation mode) {
  tensor<device_tap, Device> taps(ctx, {to.height + to.width});
  launch(ctx, blocks_for(to.height + to.width, 64), resize_taps_kernel{}, from, to, mode, taps.data());
  return taps;
}

}  // namespace detail

/// Weights of taps are float32 whatever Real is.
template <class Real, GpuDevice Device>
void upsample(context<Device>& ctx, view_on<const Real, Device> x, interpolation mode, view_on<Real, Device> y) {
  detail::require_resizable("upsample", x.shape(), y.shape());
  const auto from = detail::batch_extents::of("upsample", x.shape()),
             to = detail::batch_extents::of("upsample", y.shape());
  const auto taps = detail::resize_taps_on(ctx, from, to, mode);
  launch(ctx, blocks_for(to.count(), 256), detail::upsample_kernel<Real>{}, from, to, taps.data(), x.data(), y.data());
}

template <class Real, GpuDevice Device>
void upsample_backward(context<Device>& ctx, view_on<const Real, Device> dy, interpolation mode,
                       view_on<Real, Device> dx) {
  detail::require_resizable("upsample_backward", dx.shape(), dy.shape());
  const auto from = detail::batch_extents::of("upsample_backward", dx.shape());
  const auto to = detail::batch_extents::of("upsample_backward", dy.shape());
  const auto taps = detail::resize_taps_on(ctx, from, to, mode);
  tensor<detail::device_readers, Device> readers(ctx, {from.height + from.width});
  launch(ctx, blocks_for(from.height + from.width, 64), detail::resize_readers_kernel{}, from, to, taps.data(),
         readers.data());
  const detail::device_readers* const known = readers.data();
  launch(ctx, blocks_for(from.count(), 256), detail::upsample_backward_kernel<Real>{}, from, to, taps.data(), known,
         dy.data(), dx.data());
}

}  // namespace aixcell
