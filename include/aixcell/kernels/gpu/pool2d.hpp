#pragma once
#include <aixcell/kernels/gpu/detail/batch_extents.hpp>
#include <aixcell/kernels/pool2d.hpp>

namespace aixcell {

namespace detail {

/// Position of cell (h, w) in window (i, j).
constexpr std::uint8_t position_in_window(pool2d_geometry g, int i, int j, int h, int w) {
  return static_cast<std::uint8_t>((h - i * g.stride + g.padding) * g.window + w - j * g.stride + g.padding);
}

/// One thread an output; `winners` may be null.
template <class Stored>
struct max_pool2d_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "max_pool2d";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, pool2d_geometry g, batch_extents from, batch_extents to,
                            const Stored* x, Stored* y, std::uint8_t* winners) const {
    const int o = global_rank(t);
    if (o >= to.count()) return;
    const auto [n, i, j, c] = to.place_of(o);
    const auto rows = cells_of_window(i, g, from.height), columns = cells_of_window(j, g, from.width);
    Real best = static_cast<Real>(x[from.at(n, rows.begin, columns.begin, c)]);
    std::uint8_t winner = position_in_window(g, i, j, rows.begin, columns.begin);
    for (int h = rows.begin; h < rows.end; ++h)
      for (int w = columns.begin; w < columns.end; ++w) {
        const Real v = static_cast<Real>(x[from.at(n, h, w, c)]);
        if (v <= best || best != best) continue;  // a NaN is not <=: it wins, and stays
        best = v;
        winner = position_in_window(g, i, j, h, w);
      }
    y[o] = static_cast<Stored>(best);
    if (winners) winners[o] = winner;
  }
};

/// One thread a cell, over the windows that cover it.
template <class Stored>
struct max_pool2d_backward_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "max_pool2d_backward";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, pool2d_geometry g, batch_extents from, batch_extents to,
                            const Stored* dy, const std::uint8_t* winners, Stored* dx) const {
    const int o = global_rank(t);
    if (o >= from.count()) return;
    const auto [n, h, w, c] = from.place_of(o);
    const auto rows = windows_of_cell(h, g, to.height), columns = windows_of_cell(w, g, to.width);
    Real sum = 0;
    for (int i = rows.begin; i < rows.end; ++i)
      for (int j = columns.begin; j < columns.end; ++j) {
        const int k = to.at(n, i, j, c);
        if (winners[k] == position_in_window(g, i, j, h, w)) sum += static_cast<Real>(dy[k]);
      }
    dx[o] = static_cast<Stored>(sum);
  }
};

template <class Stored>
struct average_pool2d_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "average_pool2d";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, pool2d_geometry g, batch_extents from, batch_extents to,
                            const Stored* x, Stored* y) const {
    const int o = global_rank(t);
    if (o >= to.count()) return;
    const auto [n, i, j, c] = to.place_of(o);
    const auto rows = cells_of_window(i, g, from.height), columns = cells_of_window(j, g, from.width);
    const Real share = Real(1) / static_cast<Real>(rows.size() * columns.size());
    Real sum = 0;
    for (int h = rows.begin; h < rows.end; ++h)
      for (int w = columns.begin; w < columns.end; ++w) sum += share * static_cast<Real>(x[from.at(n, h, w, c)]);
    y[o] = static_cast<Stored>(sum);
  }
};

template <class Stored>
struct average_pool2d_backward_kernel {
  using Real = master_of<Stored>;
  static constexpr std::string_view name = "average_pool2d_backward";
  static constexpr int threads = 256;
  using shared = nothing;
  constexpr void operator()(auto t, shared&, pool2d_geometry g, batch_extents from, batch_extents to,
                            const Stored* dy, Stored* dx) const {
    const int o = global_rank(t);
    if (o >= from.count()) return;
    const auto [n, h, w, c] = from.place_of(o);
    const auto rows = windows_of_cell(h, g, to.height), columns = windows_of_cell(w, g, to.width);
    Real sum = 0;
    for (int i = rows.begin; i < rows.end; ++i)
      for (int j = columns.begin; j < columns.end; ++j) {
        const int cells = cells_of_window(i, g, from.height).size() * cells_of_window(j, g, from.width).size();
        sum += Real(1) / static_cast<Real>(cells) * static_cast<Real>(dy[to.at(n, i, j, c)]);
      }
    dx[o] = static_cast<Stored>(sum);
  }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void max_pool2d(context<Device>& ctx, view_on<const Real, Device> x, pool2d_geometry g, view_on<Real, Device> y,
                view_on<std::uint8_t, Device> winners) {
  detail::require_pool2d_shapes("max_pool2d", x.shape(), g, y.shape());
  if (!winners.empty()) require_equal_shapes("max_pool2d", y, winners);
  const auto from = detail::batch_extents::of("max_pool2d", x.shape()),
             to = detail::batch_extents::of("max_pool2d", y.shape());
  launch(ctx, blocks_for(to.count(), 256), detail::max_pool2d_kernel<Real>{}, g, from, to, x.data(), y.data(),
         winners.empty() ? nullptr : winners.data());
}

template <class Real, GpuDevice Device>
void max_pool2d_backward(context<Device>& ctx, view_on<const Real, Device> dy,
                         view_on<const std::uint8_t, Device> winners, pool2d_geometry g, view_on<Real, Device> dx) {
  detail::require_pool2d_shapes("max_pool2d_backward", dx.shape(), g, dy.shape());
  require_equal_shapes("max_pool2d_backward", dy, winners);
  const auto from = detail::batch_extents::of("max_pool2d_backward", dx.shape());
  const auto to = detail::batch_extents::of("max_pool2d_backward", dy.shape());
  launch(ctx, blocks_for(from.count(), 256), detail::max_pool2d_backward_kernel<Real>{}, g, from, to, dy.data(),
         winners.data(), dx.data());
}

template <class Real, GpuDevice Device>
void average_pool2d(context<Device>& ctx, view_on<const Real, Device> x, pool2d_geometry g, view_on<Real, Device> y) {
  detail::require_pool2d_shapes("average_pool2d", x.shape(), g, y.shape());
  const auto from = detail::batch_extents::of("average_pool2d", x.shape());
  const auto to = detail::batch_extents::of("average_pool2d", y.shape());
  launch(ctx, blocks_for(to.count(), 256), detail::average_pool2d_kernel<Real>{}, g, from, to, x.data(), y.data());
}

template <class Real, GpuDevice Device>
void average_pool2d_backward(context<Device>& ctx, view_on<const Real, Device> dy, pool2d_geometry g,
                             view_on<Real, Device> dx) {
  detail::require_pool2d_shapes("average_pool2d_backward", dx.shape(), g, dy.shape());
  const auto from = detail::batch_extents::of("average_pool2d_backward", dx.shape());
  const auto to = detail::batch_extents::of("average_pool2d_backward", dy.shape());
  launch(ctx, blocks_for(from.count(), 256), detail::average_pool2d_backward_kernel<Real>{}, g, from, to, dy.data(),
         dx.data());
}

}  // namespace aixcell
