#pragma once
#include <aixcell/core/bfloat16.hpp>
#include <aixcell/kernels/adaptive_pool.hpp>
#include <aixcell/kernels/gpu/detail/batch_extents.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

/// Rows (columns) of an image of `extent` that cell i of `cells` covers. Their product may not fit 32 bits.
struct cell_range {
  int begin, end;
  static constexpr cell_range of(int i, int cells, int extent) {
    const auto wide = static_cast<std::int64_t>(extent);
    return {static_cast<int>(i * wide / cells), static_cast<int>(((i + 1) * wide + cells - 1) / cells)};
  }
  constexpr int size() const { return end - begin; }
};

/// A block for each cell and 32 channels: warps over the pixels, lanes over the channels, then a tree. In float64.
template <class Stored>
struct adaptive_average_kernel {
  static constexpr std::string_view name = "adaptive_average";
  static constexpr int threads = 256, rows = threads / warp_size;
  struct shared {
    double part[rows][warp_size];
  };
  constexpr void operator()(auto t, shared& s, batch_extents from, batch_extents to, const Stored* x, Stored* y) const {
    const int cell = t.block().x, j = cell % to.width, i = cell / to.width % to.height, n = cell / to.width / to.height;
    const int c = t.block().y * warp_size + lane_of(t), row = warp_of(t);
    const auto down = cell_range::of(i, to.height, from.height), right = cell_range::of(j, to.width, from.width);
    const int pixels = down.size() * right.size();
    double sum = 0;
    if (c < from.channels)
      for (int p = row; p < pixels; p += rows)
        sum += static_cast<double>(x[from.at(n, down.begin + p / right.size(), right.begin + p % right.size(), c)]);
    s.part[row][lane_of(t)] = sum;
    for (int half = rows / 2; half > 0; half /= 2) {
      t.sync();
      if (row < half) s.part[row][lane_of(t)] += s.part[row + half][lane_of(t)];
    }
    if (row == 0 && c < from.channels) y[cell * to.channels + c] = static_cast<Stored>(s.part[0][lane_of(t)] / pixels);
  }
};

/// A cell that covers h has h * cells / extent next to it: few to look at.
template <class Stored>
struct adaptive_gradient {
  static constexpr std::string_view name = "adaptive_average_backward";
  using Real = master_of<Stored>;
  const Stored* dy;
  batch_extents from, to;  // of x and y

  static constexpr cell_range cells_of(int h, int cells, int extent) {
    const auto wide = static_cast<std::int64_t>(cells);
    int begin = static_cast<int>(h * wide / extent);
    while (begin > 0 && cell_range::of(begin - 1, cells, extent).end > h) --begin;
    int end = begin;
    while (end < cells && cell_range::of(end, cells, extent).begin <= h) ++end;
    return {begin, end};
  }
  constexpr Stored operator()(int k) const {
    const auto [n, h, w, c] = from.place_of(k);
    const auto rows = cells_of(h, to.height, from.height), columns = cells_of(w, to.width, from.width);
    Real sum = 0;
    for (int i = rows.begin; i < rows.end; ++i)
      for (int j = columns.begin; j < columns.end; ++j) {
        const int pixels =
            cell_range::of(i, to.height, from.height).size() * cell_range::of(j, to.width, from.width).size();
        sum += static_cast<Real>(dy[to.at(n, i, j, c)]) / static_cast<Real>(pixels);
      }
    return static_cast<Stored>(sum);
  }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void adaptive_average(context<Device>& ctx, view_on<const Real, Device> x, view_on<Real, Device> y) {
  detail::require_adaptive("adaptive_average", x.shape(), y.shape());
  const auto from = detail::batch_extents::of("adaptive_average", x.shape());
  const auto to = detail::batch_extents::of("adaptive_average", y.shape());
  launch(ctx, dim{to.images * to.height * to.width, (to.channels + warp_size - 1) / warp_size, 1},
         detail::adaptive_average_kernel<Real>{}, from, to, x.data(), y.data());
}

template <class Real, GpuDevice Device>
void adaptive_average_backward(context<Device>& ctx, view_on<const Real, Device> dy, view_on<Real, Device> dx) {
  detail::require_adaptive("adaptive_average_backward", dx.shape(), dy.shape());
  const auto from = detail::batch_extents::of("adaptive_average_backward", dx.shape());
  const auto to = detail::batch_extents::of("adaptive_average_backward", dy.shape());
  detail::launch_map_singly(ctx, detail::adaptive_gradient<Real>{dy.data(), from, to}, dx.size(), dx.data());
}

}  // namespace aixcell
