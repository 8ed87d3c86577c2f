#pragma once
#include <aixcell/kernels/crop.hpp>
#include <aixcell/kernels/gpu/detail/batch_extents.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>

namespace aixcell {

namespace detail {

/// A value of `to` is that of `from` at the same place, or 0 where `from` ends: both directions.
template <class Stored>
struct same_place {
  static constexpr std::string_view name = "crop";
  const Stored* values;
  batch_extents from, to;
  constexpr Stored operator()(int i) const {
    const auto [n, h, w, c] = to.place_of(i);
    return h < from.height && w < from.width ? values[from.at(n, h, w, c)] : Stored(0);
  }
};

template <class Real, GpuDevice Device>
void launch_same_place(context<Device>& ctx, view<const Real, Device> from, view<Real, Device> to) {
  const same_place<Real> f{from.data(), batch_extents::of("crop", from.shape()), batch_extents::of("crop", to.shape())};
  launch_map(ctx, f, to.size(), to.data());
}

}  // namespace detail

template <class Real, GpuDevice Device>
void crop(context<Device>& ctx, view_on<const Real, Device> x, view_on<Real, Device> y) {
  detail::require_crop("crop", x.shape(), y.shape());
  detail::launch_same_place<Real, Device>(ctx, x, y);
}

template <class Real, GpuDevice Device>
void crop_backward(context<Device>& ctx, view_on<const Real, Device> dy, view_on<Real, Device> dx) {
  detail::require_crop("crop_backward", dx.shape(), dy.shape());
  detail::launch_same_place<Real, Device>(ctx, dy, dx);
}

}  // namespace aixcell
