#pragma once
#include <aixcell/kernels/gpu/detail/batch_extents.hpp>
#include <aixcell/kernels/gpu/detail/map.hpp>
#include <aixcell/kernels/patches.hpp>

namespace aixcell {

namespace detail {

template <class Stored>
struct value_of_patch {
  static constexpr std::string_view name = "to_patches";
  const Stored* x;
  batch_extents image, patches;
  int size;
  constexpr Stored operator()(int i) const {
    const auto [n, row, column, place] = patches.place_of(i);
    const int c = place % image.channels, q = place / image.channels % size, r = place / image.channels / size;
    const int h = row * size + r, w = column * size + q;
    return h < image.height && w < image.width ? x[image.at(n, h, w, c)] : Stored(0);
  }
};

template <class Stored>
struct value_from_patch {
  static constexpr std::string_view name = "from_patches";
  const Stored* y;
  batch_extents image, patches;
  int size;
  constexpr Stored operator()(int i) const {
    const auto [n, h, w, c] = image.place_of(i);
    return y[patches.at(n, h / size, w / size, (h % size * size + w % size) * image.channels + c)];
  }
};

}  // namespace detail

template <class Real, GpuDevice Device>
void to_patches(context<Device>& ctx, view_on<const Real, Device> x, index_t size, view_on<Real, Device> y) {
  detail::require_patches("to_patches", x.shape(), size, y.shape());
  const detail::value_of_patch<Real> f{x.data(), detail::batch_extents::of("to_patches", x.shape()),
                                       detail::batch_extents::of("to_patches", y.shape()), static_cast<int>(size)};
  detail::launch_map(ctx, f, y.size(), y.data());
}

template <class Real, GpuDevice Device>
void from_patches(context<Device>& ctx, view_on<const Real, Device> y, index_t size, view_on<Real, Device> x) {
  detail::require_patches("from_patches", x.shape(), size, y.shape());
  const detail::value_from_patch<Real> f{y.data(), detail::batch_extents::of("from_patches", x.shape()),
                                         detail::batch_extents::of("from_patches", y.shape()), static_cast<int>(size)};
  detail::launch_map(ctx, f, x.size(), x.data());
}

}  // namespace aixcell
